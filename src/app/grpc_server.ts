import { ChatError } from "../core/chat_error.ts";
import type { GrpcServer } from "../grpc/server/serve_calls.ts";
import { startGrpcServer } from "../grpc/server/server.ts";
import { startStandbyServer } from "../grpc/server/standby_server.ts";
import { type Certificate, inspectCertificate, refuseInvalid } from "../host/certificates/certificate.ts";
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
import type {
  PreparedTransport,
  RunningTransport,
  Serving,
  StandbyDoor,
  StandingBy,
  TransportServer,
} from "./transport_server.ts";

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
      return new PreparedGrpc(options, tls && await readTls(tls));
    },
    greeting: (port) => greeting(options, port),
  };
}

/** The door for gRPC: certificates that were renewed while it stood by are kept when it serves. */
class PreparedGrpc implements PreparedTransport {
  readonly #options: GrpcServerOptions;
  #tls: ReadTls | undefined;
  /** The server that listens, while it stands by or serves. */
  #server: GrpcServer | undefined;

  constructor(options: GrpcServerOptions, tls: ReadTls | undefined) {
    this.#options = options;
    this.#tls = tls;
  }

  get certificates(): readonly Certificate[] {
    return this.#tls?.inspected ?? [];
  }

  get renewCertificates(): (() => Promise<void>) | undefined {
    const { tls: files, dataDir } = this.#options;
    return files && (async () => {
      const renewed = await readTls(files);
      refuseInvalid(renewed.inspected, { lastSeen: () => lastTimeSeen(dataDir) });
      this.#server?.renewCertificates(renewed);
      this.#tls = renewed;
    });
  }

  async standBy({ log, port, reason }: StandingBy): Promise<StandbyDoor> {
    const server = this.#server = await startStandbyServer({ ...this.#shared(port), log, reason });
    return { port: server.port, close: () => server.close({ deadlineMs: 0 }) };
  }

  async start({ chat, log, port }: Serving): Promise<RunningTransport> {
    const server = this.#server = await startGrpcServer({
      ...this.#shared(port),
      chat,
      log,
      server: `chatd ${version}`,
      callback: this.#options.callback,
      beginSpan: callSpans(),
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
      ready: Promise.resolve(),
      failed: new Promise(() => {}),
      stop: () => {
        void drain();
        return Promise.resolve();
      },
      close: drain,
    };
  }

  #shared(port: number) {
    return { listen: { host: this.#options.listen.host, port }, tls: this.#tls, defer };
  }
}

function refuseOpenListening({ listen, tls, insecure }: GrpcServerOptions): void {
  if (tls !== undefined || insecure || isLoopback(listen.host)) return;
  throw new ChatError(
    "permission_denied",
    `Listening on ${listen.host} would send passwords and messages over the network unencrypted: ` +
      `give --tls-cert and --tls-key, or --insecure if another component encrypts them.`,
  );
}

type ReadTls = Awaited<ReturnType<typeof readTls>>;

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
