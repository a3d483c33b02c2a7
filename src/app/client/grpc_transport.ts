import { isIP } from "node:net";
import { rootCertificates } from "node:tls";
import type { Transport } from "../../client/transport.ts";
import { ChatError } from "../../core/chat_error.ts";
import { Http2Transport } from "../../grpc/client/http2_transport.ts";
import type { GrpcTransportOptions } from "../../grpc/client/transport_options.ts";
import { readPem } from "../../host/certificates/pem_file.ts";
import { formatHostPort } from "../../host/host_port.ts";
import { isLoopback } from "../../host/loopback.ts";
import type { ClientTls, GrpcClientOptions } from "./client_options.ts";

/**
 * Opens a transport to a server.
 * @throws {ChatError} `invalid_argument` if it would be unsafe, or a file cannot be read
 */
export async function openGrpcTransport(
  { server, tls, insecure, delivery }: Pick<GrpcClientOptions, "server" | "tls" | "insecure" | "delivery">,
): Promise<Transport> {
  if (tls === undefined && !insecure && !isLoopback(server.host)) {
    throw new ChatError(
      "invalid_argument",
      `Connecting to ${formatHostPort(server)} without TLS would send your password and messages over the network ` +
        "unencrypted: add --tls, or --insecure if another component encrypts them.",
    );
  }
  const options = { ...server, tls: tls && await readTls(tls, server.host), callback: delivery !== "stream" };
  if (!usesLibrary(server.host)) return new Http2Transport(options);
  // Imported on demand, because the library is half of the code that a client would load.
  const { GrpcTransport } = await import("../../grpc/client/client_transport.ts");
  return new GrpcTransport({ ...options, proxy: proxyFor(server.host) });
}

/** Variables that name an HTTP proxy, which grpc-js supports; chatd's own HTTP/2 does not. */
const proxyVariables = ["grpc_proxy", "https_proxy", "http_proxy"];

/** Whether grpc-js is asked for, or a proxy that is not on the way to this machine itself. */
function usesLibrary(host: string): boolean {
  return variable("CHATD_GRPC_JS") !== undefined || proxyVariable(host) !== undefined;
}

/** The value of the first variable that names a proxy on the way to `host`. */
function proxyVariable(host: string): string | undefined {
  return isLoopback(host) ? undefined : proxyVariables.map(variable).find((value) => value !== undefined);
}

/** The address of the proxy, without the user and password that its URL may have. */
function proxyFor(host: string): string | undefined {
  const value = proxyVariable(host);
  if (value === undefined || !URL.canParse(value)) return undefined;
  const { protocol, hostname, port } = new URL(value);
  return protocol === "http:" ? `${hostname}:${port || "80"}` : undefined;
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
  const roots = caFile === undefined ? new TextEncoder().encode(rootCertificates.join("\n")) : await readPem(caFile);
  if (certFile === undefined || keyFile === undefined) return { roots, serverName };
  return { roots, serverName, certificate: { chain: await readPem(certFile), key: await readPem(keyFile) } };
}
