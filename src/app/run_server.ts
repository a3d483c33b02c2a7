import { resolve } from "node:path";
import type { Chat } from "../core/chat.ts";
import type { Log } from "../core/log.ts";
import { openChat } from "./open_chat.ts";
import type { ServerOptions } from "./server_options.ts";
import { mayStartItself, servingCommand, type ServingNeeds } from "./serving_command.ts";
import { ShutdownSignals } from "./shutdown_signals.ts";
import { controlSocketPath } from "./socket_path.ts";
import { stderrLog } from "./stderr_log.ts";
import { supervise } from "./supervisor.ts";
import { SupervisorLink } from "./supervisor_link.ts";
import { UncaughtErrors } from "./uncaught_errors.ts";

/** What a transport serves with, in the process that serves. */
export interface Serving {
  readonly log: Log;
  /** Where to listen. */
  readonly port: number;
  /** Another process of this server has served, and died, maybe just now. */
  readonly again: boolean;
  /** Resolves with the reason when this process shall stop. */
  readonly stop: Promise<string>;
  /** Takes the data folder; the chat is closed when {@link TransportServer.serve} is over. To be called once. @throws {ChatError} */
  openChat(): Chat;
  /** To be called once, when clients are served. */
  onListening(port: number): void;
}

/** What is different about a server from transport to transport. */
export interface TransportServer {
  /** Where it is asked to listen. */
  readonly port: number;
  /** Besides the data folder. */
  readonly needs: Pick<ServingNeeds, "read" | "net" | "env">;
  /** Resolves after `stop`, in order. @throws {ChatError} when it cannot start or go on. */
  serve(serving: Serving): Promise<void>;
  /** Lines for stdout: where it serves, and what to do next. */
  greeting(port: number): readonly [string, ...string[]];
}

/**
 * Serves until a signal comes: in a process that this one starts and supervises, or as the options say in this one.
 * @returns the exit code. @throws {ChatError} when it cannot start or go on.
 */
export async function runServer(options: ServerOptions, server: TransportServer): Promise<number> {
  const log = stderrLog(options.logLevel);
  if (options.supervised) {
    using link = new SupervisorLink();
    const onListening = (port: number) => link.listening(port);
    await serve(options, server, { ...await link.listen(), log, stop: link.stop, onListening });
    return 0;
  }
  const onListening = (port: number) => greet(options, server.greeting(port));
  if (options.supervise) {
    if (mayStartItself()) {
      const command = servingCommand(servingArguments(), servingNeeds(options, server));
      return await supervise({ command, port: server.port, log, onListening });
    }
    log.warn("serving without a supervisor: Deno does not let chatd start itself", {
      add: `--allow-run=${Deno.execPath()}`,
    });
  }
  using signals = new ShutdownSignals();
  await serve(options, server, { port: server.port, again: false, log, stop: signals.first, onListening });
  return 0;
}

/** What this process was told on its command line, for the process that it supervises. */
function servingArguments(): string[] {
  const [command, ...rest] = Deno.args;
  return [command, "--supervised", ...rest];
}

function servingNeeds({ dataDir }: ServerOptions, { needs }: TransportServer): ServingNeeds {
  return {
    read: [dataDir, ...needs.read],
    write: [dataDir],
    net: [...needs.net, `unix:${resolve(controlSocketPath(dataDir))}`],
    env: ["CHATD_*", "BUF_*", ...needs.env],
  };
}

async function serve(
  options: ServerOptions,
  server: TransportServer,
  serving: Omit<Serving, "openChat">,
): Promise<void> {
  using _uncaught = new UncaughtErrors({ log: serving.log });
  await using opened = new AsyncDisposableStack();
  await server.serve({
    ...serving,
    openChat() {
      const { chat, close } = openChat({ ...options, folder: options.dataDir, log: serving.log });
      opened.defer(close);
      return chat;
    },
  });
}

function greet({ dataDir, registration }: ServerOptions, [where, ...next]: readonly [string, ...string[]]): void {
  for (const line of [where, `data in ${Deno.realPathSync(dataDir)}, registration ${registration}`, ...next]) {
    console.log(line);
  }
}
