import { isIP } from "node:net";
import { rootCertificates } from "node:tls";
import { type ServerTransport, SeveralServers } from "../../client/several_servers.ts";
import type { Transport } from "../../client/transport.ts";
import { ChatError } from "../../core/chat_error.ts";
import { Http2Transport } from "../../grpc/client/http2_transport.ts";
import type { GrpcTransportOptions } from "../../grpc/client/transport_options.ts";
import { readAuthorities, readPem } from "../../host/certificates/pem_file.ts";
import { formatHostPort, type HostPort } from "../../host/host_port.ts";
import { isLoopback } from "../../host/loopback.ts";
import type { ClientTls, GrpcClientOptions } from "./client_options.ts";
import { httpProxyFor } from "./http_proxy.ts";

/**
 * Opens a transport to a server, or to the serving one of several.
 * @throws {ChatError} `invalid_argument` if it would be unsafe, or a file cannot be read
 */
export async function openGrpcTransport(
  { servers, ...options }: Pick<GrpcClientOptions, "servers" | "tls" | "insecure" | "delivery">,
): Promise<Transport> {
  const [first, ...others] = await Promise.all(servers.map((server) => openServer(server, options)));
  return others.length === 0 ? first : new SeveralServers({ servers: [first, ...others] });
}

async function openServer(
  server: HostPort,
  { tls, insecure, delivery }: Pick<GrpcClientOptions, "tls" | "insecure" | "delivery">,
): Promise<ServerTransport> {
  if (tls === undefined && !insecure && !isLoopback(server.host)) {
    throw new ChatError(
      "invalid_argument",
      `Connecting to ${formatHostPort(server)} without TLS would send your password and messages over the network ` +
        "unencrypted: add --tls, or --insecure if another component encrypts them.",
    );
  }
  const options = { ...server, tls: tls && await readTls(tls, server.host), callback: delivery !== "stream" };
  const proxy = httpProxyFor(server.host, variable);
  // chatd's own HTTP/2 supports no proxy.
  if (proxy === undefined && variable("CHATD_GRPC_JS") === undefined) return new Http2Transport(options);
  // Imported on demand, because the library is half of the code that a client would load.
  const { GrpcTransport } = await import("../../grpc/client/client_transport.ts");
  return new GrpcTransport({ ...options, proxy });
}

function variable(name: string): string | undefined {
  if (Deno.permissions.querySync({ name: "env", variable: name }).state !== "granted") return undefined;
  return Deno.env.get(name) || undefined;
}

async function readTls(
  { caFile, serverName, certFile, keyFile }: ClientTls,
  host: string,
): Promise<GrpcTransportOptions["tls"]> {
  if (isIP(host) !== 0 && serverName === undefined) {
    throw new ChatError(
      "invalid_argument",
      `Certificates are verified by name, but ${host} is an address: give the name in the certificate with --tls-name NAME.`,
    );
  }
  const roots = new TextEncoder().encode(
    caFile === undefined ? rootCertificates.join("\n") : await readAuthorities(caFile),
  );
  if (certFile === undefined || keyFile === undefined) return { roots, serverName };
  return { roots, serverName, certificate: { chain: await readPem(certFile), key: await readPem(keyFile) } };
}
