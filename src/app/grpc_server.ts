import { ChatError } from "../core/chat_error.ts";
import { startGrpcServer } from "../grpc/server/server.ts";
import { inspectCertificate, refuseInvalid } from "../host/certificates/certificate.ts";
import { readPem, readServerCertificate } from "../host/certificates/pem_file.ts";
import { defer } from "../host/defer.ts";
import { formatHostPort } from "../host/host_port.ts";
import { isLoopback } from "../host/loopback.ts";
import { version } from "../host/version.ts";
import { callSpans } from "./call_spans.ts";
import { chatCommand } from "./chat_command.ts";
import { lastTimeSeen } from "./last_time_seen.ts";
import { runServer, type ServerEnd } from "./run_server.ts";
import type { GrpcServerOptions, ServerTls } from "./server_options.ts";
import type { RunningTransport, Serving, TransportServer } from "./transport_server.ts";

/** How long sessions and calls may take to end, in milliseconds. */
const drainDeadlineMs = 5_000;

/** Serves until a signal arrives. @throws {ChatError} if it cannot start */
export async function runGrpcServer(options: GrpcServerOptions): Promise<ServerEnd> {
  return await runServer(options, [grpcTransport(options)]);
}

export function grpcTransport(options: GrpcServerOptions): TransportServer {
  const { listen, tls } = options;
  const files = tls === undefined ? [] : [tls.certFile, tls.keyFile, tls.clientCaFile ?? tls.certFile];
  return {
    protocol: "gRPC",
    registration: options.registration,
    port: listen.port,
    insecure: options.insecure,
    startFiles: [],
    needs: { read: files, net: [formatHostPort(listen)] },
    async prepare() {
      refuseOpenListening(options);
      const read = tls && await readTls(tls);
      return { certificates: read?.inspected ?? [], start: (serving) => start(options, read, serving) };
    },
    greeting: (port) => greeting(options, port),
  };
}

async function start(
  { listen: { host }, callback, dataDir, tls: files }: GrpcServerOptions,
  tls: Awaited<ReturnType<typeof readTls>> | undefined,
  { chat, log, port }: Serving,
): Promise<RunningTransport> {
  const listen = { host, port };
  const server = await startGrpcServer({
    chat,
    log,
    server: `chatd ${version}`,
    listen,
    tls,
    callback,
    defer,
    beginSpan: callSpans(),
  });
  let certificates = tls?.inspected ?? [];
  const renewCertificates = files && (async () => {
    const renewed = await readTls(files);
    refuseInvalid(renewed.inspected, { lastSeen: () => lastTimeSeen(dataDir) });
    server.renewCertificates(renewed);
    certificates = renewed.inspected;
  });
  let drained: Promise<void> | undefined;
  const drain = () => drained ??= server.close({ deadlineMs: drainDeadlineMs });
  return {
    name: "grpc",
    port: server.port,
    get isUp() {
      return server.isListening;
    },
    get connections() {
      return server.connections;
    },
    get certificates() {
      return certificates;
    },
    renewCertificates,
    ready: Promise.resolve(),
    failed: new Promise(() => {}),
    stop: () => {
      void drain();
      return Promise.resolve();
    },
    close: drain,
  };
}

function refuseOpenListening({ listen, tls, insecure }: GrpcServerOptions): void {
  if (tls !== undefined || insecure || isLoopback(listen.host)) return;
  throw new ChatError(
    "permission_denied",
    `Listening on ${listen.host} would send passwords and messages over the network unencrypted: ` +
      `give --tls-cert and --tls-key, or --insecure if another component encrypts them.`,
  );
}

async function readTls({ certFile, keyFile, clientCaFile }: ServerTls) {
  const { inspected, ...own } = await readServerCertificate({ certFile, keyFile });
  if (clientCaFile === undefined) return { ...own, inspected: [inspected] };
  const clientCa = await readPem(clientCaFile);
  return { ...own, clientCa, inspected: [inspected, inspectCertificate("client_ca", clientCaFile, clientCa)] };
}

function greeting({ listen: { host }, tls }: GrpcServerOptions, port: number): [string, string] {
  return [
    `chatd ${version} listens on ${formatHostPort({ host, port })}${tls === undefined ? "" : " (TLS)"}`,
    `to chat, run in another terminal: ${chatCommand({ host, port, tls })}`,
  ];
}
