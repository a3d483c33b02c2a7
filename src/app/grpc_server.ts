import { resolve } from "node:path";
import { ChatError } from "../core/chat_error.ts";
import type { Log } from "../core/log.ts";
import { startGrpcServer } from "../grpc/server.ts";
import { chatCommand } from "./chat_command.ts";
import { formatHostPort } from "./host_port.ts";
import { isLoopback } from "./loopback.ts";
import { defer, openChat } from "./open_chat.ts";
import { readPem } from "./pem_file.ts";
import type { GrpcServerOptions, ServerTls } from "./server_options.ts";
import { mayStartItself, servingCommand, type ServingNeeds } from "./serving_command.ts";
import { ShutdownSignals } from "./shutdown_signals.ts";
import { controlSocketPath } from "./socket_path.ts";
import { stderrLog } from "./stderr_log.ts";
import { supervise } from "./supervisor.ts";
import { SupervisorLink } from "./supervisor_link.ts";
import { UncaughtErrors } from "./uncaught_errors.ts";
import { version } from "./version.ts";

/** How long sessions and calls may take to end, in milliseconds. */
const drainDeadlineMs = 5_000;

/** Variables that the server and grpc-js look up. */
const serverVariables = [
  "CHATD_*",
  "GRPC_*",
  "BUF_*",
  "grpc_proxy",
  "http_proxy",
  "https_proxy",
  "no_grpc_proxy",
  "no_proxy",
  "npm_command",
];

/** Serves until a signal comes. @returns the exit code. @throws {ChatError} when it cannot start. */
export async function runGrpcServer(options: GrpcServerOptions): Promise<number> {
  refuseOpenListening(options);
  const log = stderrLog(options.logLevel);
  if (options.supervised) {
    using link = new SupervisorLink();
    const listen = { host: options.listen.host, port: await link.port() };
    await serve({ ...options, listen }, { log, onListening: (port) => link.listening(port), stop: link.stop });
    return 0;
  }
  const onListening = (port: number) => greet(options, port);
  if (options.supervise) {
    if (mayStartItself()) {
      const command = servingCommand(servingArguments(), servingNeeds(options));
      return await supervise({ command, port: options.listen.port, log, onListening });
    }
    log.warn("serving without a supervisor: Deno does not let chatd start itself", {
      add: `--allow-run=${Deno.execPath()}`,
    });
  }
  using signals = new ShutdownSignals();
  await serve(options, { log, onListening, stop: signals.first });
  return 0;
}

/** What this process was told on its command line, for the process that it supervises. */
function servingArguments(): string[] {
  const [command, ...rest] = Deno.args;
  return [command, "--supervised", ...rest];
}

function servingNeeds({ dataDir, listen, tls }: GrpcServerOptions): ServingNeeds {
  const { host, port } = listen;
  const files = tls === undefined ? [] : [tls.certFile, tls.keyFile, tls.clientCaFile ?? tls.certFile];
  return {
    read: [dataDir, ...files],
    write: [dataDir],
    net: [formatHostPort({ host, port }), `unix:${resolve(controlSocketPath(dataDir))}`],
    env: serverVariables,
  };
}

async function serve(
  options: GrpcServerOptions,
  { log, onListening, stop }: { log: Log; onListening(port: number): void; stop: Promise<string> },
): Promise<void> {
  using _uncaught = new UncaughtErrors({ log });
  const tls = options.tls && await readTls(options.tls);
  const { chat, close } = openChat({ ...options, folder: options.dataDir, log });
  try {
    const server = await startGrpcServer({
      chat,
      log,
      server: `chatd ${version}`,
      listen: options.listen,
      tls,
      callback: options.callback,
      defer,
    });
    onListening(server.port);
    log.info("stopping", { reason: await stop });
    const drained = server.close({ deadlineMs: drainDeadlineMs });
    chat.endSessions();
    await drained;
  } finally {
    await close();
  }
}

function refuseOpenListening({ listen, tls, insecure }: GrpcServerOptions): void {
  if (tls !== undefined || insecure || isLoopback(listen.host)) return;
  throw new ChatError(
    "permission_denied",
    `Listening on ${listen.host} would send passwords and messages over the network unencrypted: ` +
      `give --tls-cert and --tls-key, or say --insecure if something else encrypts them.`,
  );
}

async function readTls({ certFile, keyFile, clientCaFile }: ServerTls) {
  return {
    certificate: await readPem(certFile),
    key: await readPem(keyFile),
    clientCa: clientCaFile === undefined ? undefined : await readPem(clientCaFile),
  };
}

function greet({ listen, tls, dataDir, registration }: GrpcServerOptions, port: number): void {
  const host = listen.host.includes(":") ? `[${listen.host}]` : listen.host;
  console.log(`chatd ${version} listens on ${host}:${port}${tls === undefined ? "" : " (TLS)"}`);
  console.log(`data in ${Deno.realPathSync(dataDir)}, registration ${registration}`);
  console.log(`chat from another terminal: ${chatCommand({ host, port, tls: tls !== undefined })}`);
}
