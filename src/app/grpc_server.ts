import denoConfig from "../../deno.json" with { type: "json" };
import { ChatError } from "../core/chat_error.ts";
import { startGrpcServer } from "../grpc/server.ts";
import { chatCommand } from "./chat_command.ts";
import { isLoopback } from "./loopback.ts";
import { defer, openChat } from "./open_chat.ts";
import type { GrpcServerOptions, ServerTls } from "./server_options.ts";
import { ShutdownSignals } from "./shutdown_signals.ts";
import { stderrLog } from "./stderr_log.ts";

/** How long sessions and calls may take to end, in milliseconds. */
const drainDeadlineMs = 5_000;

/** Serves until a signal comes. @returns the exit code. @throws {ChatError} when it cannot start. */
export async function runGrpcServer(options: GrpcServerOptions): Promise<number> {
  refuseOpenListening(options);
  const tls = options.tls && await readTls(options.tls);
  const log = stderrLog(options.logLevel);
  using signals = new ShutdownSignals();
  const { chat, close } = openChat({ ...options, folder: options.dataDir, log });
  try {
    const server = await startGrpcServer({
      chat,
      log,
      server: `chatd ${denoConfig.version}`,
      listen: options.listen,
      tls,
      defer,
    });
    greet(options, server.port);
    const signal = await signals.first;
    log.info("stopping", { signal });
    const drained = server.close({ deadlineMs: drainDeadlineMs });
    chat.endSessions();
    await drained;
  } finally {
    await close();
  }
  return 0;
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

async function readPem(file: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ChatError("invalid_argument", `Cannot read "${file}": ${why}`, { cause });
  }
}

function greet({ listen, tls, dataDir, registration }: GrpcServerOptions, port: number): void {
  const host = listen.host.includes(":") ? `[${listen.host}]` : listen.host;
  console.log(`chatd ${denoConfig.version} listens on ${host}:${port}${tls === undefined ? "" : " (TLS)"}`);
  console.log(`data in ${Deno.realPathSync(dataDir)}, registration ${registration}`);
  console.log(`chat from another terminal: ${chatCommand({ host, port, tls: tls !== undefined })}`);
}
