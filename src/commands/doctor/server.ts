import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect } from "node:tls";
import type { DatabaseOptions } from "../../app/database/database_access.ts";
import { versionOfServer } from "../../app/operator_socket.ts";
import type { ServerTls } from "../../app/server_options.ts";
import { ChatError } from "../../core/chat_error.ts";
import { checkHealth } from "../../grpc/client/health_check.ts";
import {
  type Certificate,
  daysLeft,
  formatTime,
  inspectCertificate,
  parseCertificates,
  soonDays,
  whyInvalid,
} from "../../host/certificates/certificate.ts";
import { readPem, readServerCertificate } from "../../host/certificates/pem_file.ts";
import { formatHostPort, type HostPort } from "../../host/host_port.ts";
import { isLoopback } from "../../host/loopback.ts";
import { longVersion } from "../../host/version.ts";
import { serverOf } from "./data_folder.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

export interface ServerCheckOptions {
  readonly dataDir: string;
  /** Undefined if the server keeps its data in the folder; another server may serve from a database. */
  readonly database?: DatabaseOptions;
  /** The address of the gRPC server. */
  readonly listen: HostPort;
  readonly tls: ServerTls | undefined;
  readonly insecure: boolean;
  /** If there is a broker, the server may serve only over it. */
  readonly broker: unknown;
}

const dialMs = 5_000;

/** Checks the version of the folder's server, and that it answers over gRPC. */
export async function* examineServer(options: ServerCheckOptions): AsyncGenerator<Finding, void> {
  const { dataDir, database, listen, tls, broker } = options;
  const runs = serverOf(dataDir) !== undefined;
  if (runs) yield await checkVersion(dataDir);
  const place = reachable(listen);
  const address = formatHostPort(place);
  if (tls?.clientCaFile !== undefined) {
    yield ok(
      `the server at ${address} requires client certificates (${tls.clientCaFile}), so doctor cannot check it further`,
    );
    return;
  }
  try {
    if (await checkHealth({ ...place, tls: tls !== undefined })) {
      yield ok(`a server at ${address} reports over gRPC that it serves`);
      if (!runs) {
        yield warning("this server does not use this data folder", "Check --data and --listen.");
      }
    } else if (database !== undefined) {
      yield ok(`the server at ${address} reports over gRPC that it stands by`);
    } else {
      yield problem(
        `the server at ${address} reports over gRPC that it does not serve`,
        "It is starting or stopping: try again.",
      );
    }
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    const what = `no server answers over gRPC${tls === undefined ? "" : " and TLS"} at ${address}`;
    if (!runs) yield warning(what, 'Start a server: "chatd serve".');
    else if (broker !== undefined) {
      yield warning(what, "This is normal for amqp-server; otherwise give the server's --listen.");
    } else {yield problem(
        `${what}: ${error.message}`,
        "Give the server's --listen, --tls-cert and --tls-key, or its --config.",
      );}
  }
}

/** Checks the server's certificate, or whether the server may run without one. */
export async function* examineCertificate(
  { listen, tls, insecure }: ServerCheckOptions,
): AsyncGenerator<Finding, void> {
  if (tls === undefined) {
    if (isLoopback(listen.host)) yield ok("only this machine can reach the server, without TLS");
    else if (insecure) yield ok("TLS is off (--insecure): another component must encrypt");
    else {
      yield problem(
        `${
          formatHostPort(listen)
        } is reachable from other machines, and there is no certificate: a server refuses to start`,
        "Give --tls-cert and --tls-key, or --insecure if another component encrypts.",
      );
    }
    return;
  }
  let certificate: X509Certificate;
  const inspected: Certificate[] = [];
  try {
    const own = await readServerCertificate(tls);
    [certificate] = parseCertificates(tls.certFile, own.certificate);
    inspected.push(own.inspected);
    const { clientCaFile } = tls;
    if (clientCaFile !== undefined) {
      inspected.push(inspectCertificate("client_ca", clientCaFile, await readPem(clientCaFile)));
    }
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    yield problem(error.message);
    return;
  }
  if (isWorldReadable(tls.keyFile)) {
    yield warning(`every user of this machine can read the private key in "${tls.keyFile}"`, `chmod o= ${tls.keyFile}`);
  }
  for (const one of inspected) yield checkValidity(one);
  yield checkNames(certificate, listen.host);
  const shown = await fetchFingerprint(reachable(listen));
  if (shown === undefined || shown === certificate.fingerprint256) return;
  yield problem(
    `the server uses another certificate than the one in "${tls.certFile}"`,
    "Send SIGHUP to the server (systemctl reload chatd), which makes it read the file again.",
  );
}

async function checkVersion(folder: string): Promise<Finding> {
  try {
    const version = await versionOfServer(folder);
    if (version === undefined) {
      return warning("the server accepts no operator commands", "It is starting or stopping: try again.");
    }
    if (version === longVersion) return ok(`the server runs chatd ${version}, like this program`);
    return warning(
      `the server runs chatd ${version}, but this program is ${longVersion}`,
      "Restart the server with this program.",
    );
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    if (error.code !== "unsupported_version") return problem(error.message);
    return warning(
      `the server is older than this program (${longVersion})`,
      "Restart the server with this program.",
    );
  }
}

/** Checks whether a certificate is valid, and for how long. */
export function checkValidity(certificate: Certificate): Finding {
  const reason = whyInvalid(certificate);
  if (reason !== undefined) return problem(reason.replace(/\.$/, ""), "A server refuses to start with it.");
  const days = Math.floor(daysLeft(certificate));
  const name = certificate.use === "server" ? "the certificate" : `the CA certificate in "${certificate.file}"`;
  const until = `${name} is valid until ${formatTime(certificate.validTo)}`;
  if (days >= soonDays) return ok(until);
  return warning(`${until}: ${days} days`, "Renew it, and send SIGHUP to the server (systemctl reload chatd).");
}

function checkNames(certificate: X509Certificate, host: string): Finding {
  const names = (certificate.subjectAltName ?? "").split(", ").map((name) => name.replace(/^(DNS|IP Address):/, ""));
  if (names.join("") === "") {
    return problem("the certificate has no name that clients check (subjectAltName)", "Get a certificate with one.");
  }
  const isNamed = isIP(host) !== 0 || certificate.checkHost(host) !== undefined;
  if (isNamed) {
    return ok(`the certificate is for ${names.join(", ")}: clients use that name, or give it with --tls-name`);
  }
  return problem(
    `the certificate is for ${names.join(", ")}, but not for ${host}`,
    "Get a certificate that includes this name.",
  );
}

function isWorldReadable(path: string): boolean {
  const { mode } = Deno.statSync(path);
  return mode !== null && Deno.build.os !== "windows" && (mode & 0o007) !== 0;
}

/** Returns the fingerprint of the certificate that the server presents; undefined if no TLS server answers. */
async function fetchFingerprint({ host, port }: HostPort): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ["h2"] }, () => {
    resolve(socket.getPeerCertificate().fingerprint256);
  });
  socket.setTimeout(dialMs, () => resolve(undefined));
  socket.on("error", () => resolve(undefined));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

/** Replaces a wildcard address by loopback. */
function reachable({ host, port }: HostPort): HostPort {
  if (host === "0.0.0.0") return { host: "127.0.0.1", port };
  return host === "::" ? { host: "::1", port } : { host, port };
}
