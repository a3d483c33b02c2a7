import type { ServerLog } from "../logging/server_log.ts";
import { ShutdownSignals } from "../shutdown_signals.ts";
import { crashedExitCode, refusedExitCode } from "./exit_codes.ts";
import { Heartbeat, type HeartbeatTimes } from "./heartbeat.ts";
import { Reload } from "./reload.ts";
import type { StartFiles } from "./start_files.ts";
import { type Listening, type Order, readJsonLines, type Report } from "./supervisor_link.ts";

/** A process that lived this long, in milliseconds, started without a problem. */
const soundLifeMs = 10_000;
const delayStepMs = 250;
const maxDelayMs = 1_000;

/** A command whose process speaks the protocol of `SupervisorLink`. */
export interface ServingCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment of the process; that of this process unless given. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface SupervisorOptions {
  /** Starts the serving process. */
  readonly command: ServingCommand;
  /**
   * Ends with 0 when a new serving process could start, and otherwise writes the reasons to stderr; run before a restart
   * on SIGHUP.
   */
  readonly check: ServingCommand;
  /** Files that the serving process reads only when it starts. */
  readonly startFiles: StartFiles;
  /** The port of the first process; a port that the system chose then is kept. */
  readonly port: number;
  readonly log: ServerLog;
  /** How often the serving process is asked for a sign of life, and how long it may take. */
  readonly heartbeat?: HeartbeatTimes;
  /** Called when the serving process listens for the first time. */
  onListening(listening: Listening): void;
}

/**
 * Keeps a serving process alive: when it dies, starts another on the same port within a second. A serving process that
 * gives no sign of life for a minute is killed, also while it stops. SIGINT and SIGTERM stop it in order, and a second
 * signal kills it. On SIGHUP it reads its certificates again, or ends in order and another one starts, see {@link Reload}.
 * If this process is killed, the serving process stops at the end of its stdin.
 * @returns the exit code of a serving process that ended by itself or could not start
 */
export async function supervise(options: SupervisorOptions): Promise<number> {
  const { log, startFiles } = options;
  let running: ServingProcess | undefined;
  // Flush before the kill: when the serving process ends first, its exit code becomes that of this process.
  using signals = new ShutdownSignals({ onSecond: () => log.flush().finally(() => running?.kill()) });
  let stopping = false;
  let restarting = false;
  const stop = (reason: string) => {
    stopping = true;
    running?.order({ stop: reason });
  };
  void signals.first.then(stop);
  const hungUp = Promise.withResolvers<string>();
  const over = Promise.race([signals.first, hungUp.promise]);
  void hungUp.promise.then(stop);
  using _reload = new Reload({
    log,
    startFiles,
    check: () => complaintsOf(options.check),
    onRestart: () => {
      restarting = true;
      running?.order({ stop: "SIGHUP" });
    },
    onRenew: () => running?.order({ renew: "certificates" }),
    onHangup: () => hungUp.resolve("the terminal is gone"),
  });
  let { port } = options;
  let served = false;
  for (let failures = 0;;) {
    const startedAt = performance.now();
    restarting = false;
    startFiles.remember();
    running = new ServingProcess(options.command, { listen: { port, again: served } });
    const heartbeat = heartbeatOf(running, options);
    const ended = running.status;
    const listening = await running.listening;
    if (listening !== undefined) {
      heartbeat.start();
      port = listening.port;
      if (!served) options.onListening(listening);
      else log.info(listening.isStandby ? "standing by again" : "serving again", { port, process: running.pid });
      served = true;
    }
    const status = await ended;
    heartbeat.stop();
    if (restarting && !stopping) continue;
    if (stopping || !mustRestart(status, { served })) return status.code;
    failures = performance.now() - startedAt >= soundLifeMs ? 0 : failures + 1;
    const delayMs = restartDelay(failures);
    log.error("the serving process died; starting it again", { signal: status.signal, code: status.code, delayMs });
    if (await isOver(over, delayMs)) return 0;
  }
}

/**
 * Makes a heartbeat that kills the process when it does not answer; the supervisor then handles its end as any other.
 */
function heartbeatOf(running: ServingProcess, { log, heartbeat: times }: SupervisorOptions): Heartbeat {
  const heartbeat = new Heartbeat({
    times,
    ask: () => running.order({ ask: "alive" }),
    onSilence: (silentMs) => {
      log.error("the serving process hangs; killing it", { process: running.pid, silentMs: Math.round(silentMs) });
      running.kill();
    },
  });
  running.onAlive = () => heartbeat.answered();
  return heartbeat;
}

/**
 * Reports whether to start a serving process that ended again. Code 0 means that it was told to end. A process that could
 * not start because of the command line, the port or the data would fail again, unless one `served` with them before.
 * {@link refusedExitCode} always means that it would fail again.
 */
export function mustRestart({ code, signal }: Deno.CommandStatus, { served }: { served: boolean }): boolean {
  if (signal !== null || code >= 128 || code === crashedExitCode) return true;
  return served && code !== 0 && code !== refusedExitCode;
}

/** Returns the delay before the next start, in milliseconds, after this many failures in a row. */
export function restartDelay(failures: number): number {
  return Math.min(Math.max(failures - 1, 0) * delayStepMs, maxDelayMs);
}

/** Returns the lines on stderr of a command that fails; none when it ends with 0. */
async function complaintsOf({ program, args, env }: ServingCommand): Promise<readonly string[]> {
  const command = new Deno.Command(program, {
    args: [...args],
    ...(env !== undefined && { env, clearEnv: true }),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  const { code, stderr } = await command.output();
  return code === 0
    ? []
    : new TextDecoder().decode(stderr).trim().split("\n").map((line) => line.replace(/^chatd: /, ""));
}

/** A process that follows orders on its stdin, and ends with its stdin: it never outlives this process. */
export class ServingProcess {
  /** Resolves once the process listens, with undefined when it ends before. */
  readonly listening: Promise<Listening | undefined>;
  readonly status: Promise<Deno.CommandStatus>;
  readonly pid: number;
  /** Called when the process gave a sign of life. */
  onAlive = (): void => {};
  readonly #child: Deno.ChildProcess;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array>;

  constructor({ program, args, env }: ServingCommand, first: Order) {
    this.#child = new Deno.Command(program, {
      args: [...args],
      ...(env !== undefined && { env, clearEnv: true }),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.pid = this.#child.pid;
    this.status = this.#child.status;
    this.#orders = this.#child.stdin.getWriter();
    const listening = Promise.withResolvers<Listening | undefined>();
    this.listening = listening.promise;
    void this.#readReports(listening.resolve).catch(() => {}).finally(() => listening.resolve(undefined));
    this.order(first);
    void this.status.then(() => this.#orders.close()).catch(() => {});
  }

  order(order: Order): void {
    // A process that ended needs no orders; its status tells how it ended.
    this.#orders.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`)).catch(() => {});
  }

  async #readReports(onListening: (listening: Listening) => void): Promise<void> {
    for await (const report of readJsonLines(this.#child.stdout) as AsyncGenerator<Report>) {
      if ("port" in report) onListening(report);
      else this.onAlive();
    }
  }

  kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }
}

async function isOver(first: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waited = new Promise<false>((resolve) => timer = setTimeout(resolve, ms, false));
  const over = await Promise.race([first.then(() => true), waited]);
  clearTimeout(timer);
  return over;
}
