import { fileURLToPath } from "node:url";
import { ChatError } from "../core/chat_error.ts";
import type { Log } from "../core/log.ts";
import {
  endWorker,
  type InputOf,
  type Job,
  type OutputOf,
  type Report,
  type SettingsOf,
  type Task,
} from "./serve_job.ts";

/** Returns the paths that a worker loads: Deno lets it read them only if its process may. */
export function programPaths(entry: string = Deno.mainModule): string[] {
  return [fileURLToPath(entry), fileURLToPath(new URL("src", entry))];
}

/**
 * Reports whether Deno lets a worker load the program, without a prompt. If not, logs an error with the missing
 * permission.
 */
export function mayLoadProgram(job: string, { log, entry = Deno.mainModule }: { log: Log; entry?: string }): boolean {
  const paths = programPaths(entry);
  if (Deno.permissions.querySync({ name: "read", path: paths[0] }).state === "granted") return true;
  log.error("a background worker may not load chatd", { job, add: `--allow-read=${paths.join(",")}` });
  return false;
}

/** How long a worker may continue an abandoned task before it is terminated, in milliseconds. */
const retireMs = 60_000;

/** How long a worker may take to load its program, in milliseconds. */
const startMs = 60_000;

/** The most threads of one job, including those that continue an abandoned task. */
const maxThreads = 2;

export interface BackgroundWorkerOptions<Opened extends Job> {
  /** The name of the job in the table of the program's entry file. */
  readonly job: string;
  /** The same for all tasks. */
  readonly settings: SettingsOf<Opened>;
  /**
   * How long a task may run before it fails with `limit_reached`, and wait before it fails with `busy`, in
   * milliseconds.
   */
  readonly deadlineMs: number;
  readonly log: Log;
  /** URL of the program's entry file; that of this process unless given. */
  readonly entry?: string;
  /** Reports whether a thread may start now; always unless given. */
  mayStart?(): boolean;
}

interface Waiting {
  readonly input: unknown;
  readonly since: number;
  readonly settled: PromiseWithResolvers<unknown>;
}

/**
 * A thread for one kind of job. It starts with the first task, and again after a task that failed or took too long; tasks
 * run one at a time. While two threads continue abandoned tasks, no third one starts, and tasks are refused. The thread
 * runs the entry file of this program, because a bundled or compiled program has no other file.
 *
 * @example
 * ```ts
 * import { silentLog } from "../core/log.ts";
 *
 * const countWords = (settings: { locale: string }) => (text: string) =>
 *   [...new Intl.Segmenter(settings.locale, { granularity: "word" }).segment(text)].length;
 *
 * // "count" is the name of countWords in the table that the entry file gives to serveJob.
 * using worker = new BackgroundWorker<typeof countWords>({
 *   job: "count",
 *   settings: { locale: "en" },
 *   deadlineMs: 5_000,
 *   log: silentLog,
 * });
 * console.log(await worker.run("hello, world"));
 * ```
 */
export class BackgroundWorker<Opened extends Job> implements Disposable {
  readonly #options: BackgroundWorkerOptions<Opened>;
  readonly #waiting: Waiting[] = [];
  #running: Waiting | undefined;
  #worker: Worker | undefined;
  /** When the worker became ready for tasks, by `performance.now()`. */
  #readySince = 0;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  /** Workers that end after their current task, each with the timer that terminates it otherwise. */
  readonly #retired = new Map<Worker, ReturnType<typeof setTimeout>>();

  constructor(options: BackgroundWorkerOptions<Opened>) {
    this.#options = options;
  }

  /**
   * Runs a task in the worker.
   * @throws {ChatError} `busy` or `limit_reached` after the deadline; `unavailable` when the worker cannot start or is
   * closed; the errors of the job, with the code of a `ChatError`
   */
  run(input: InputOf<Opened>): Promise<OutputOf<Opened>> {
    if (this.#closed) return Promise.reject(closedError());
    const settled = Promise.withResolvers<unknown>();
    this.#waiting.push({ input, since: performance.now(), settled });
    this.#next();
    return settled.promise as Promise<OutputOf<Opened>>;
  }

  /** Ends the thread and fails the waiting tasks. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const { settled } of this.#waiting.splice(0)) settled.reject(closedError());
    this.#fail(closedError());
    for (const [worker, timer] of this.#retired) {
      clearTimeout(timer);
      worker.terminate();
    }
    this.#retired.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #next(): void {
    if (this.#running !== undefined) return;
    const patient = performance.now() - this.#options.deadlineMs;
    while (this.#waiting.length > 0 && Math.max(this.#waiting[0].since, this.#readySince) < patient) {
      this.#waiting.shift()!.settled.reject(tooLong());
    }
    this.#running = this.#waiting.shift();
    if (this.#running === undefined) return;
    if (this.#worker !== undefined) return this.#give(this.#worker);
    try {
      if (this.#retired.size >= maxThreads) throw tooLong();
      this.#start();
    } catch (error) {
      this.#fail(error);
    }
  }

  #start(): void {
    const { job, log, entry = Deno.mainModule, mayStart } = this.#options;
    if (mayStart?.() === false) throw tooLong();
    if (!mayLoadProgram(job, { log, entry })) throw notPermitted();
    const worker = new Worker(entry, { type: "module", name: job });
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Report>) => {
      if (data.kind === "ended") this.#forget(worker);
      else if (worker === this.#worker) this.#takeReport(data, worker);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      log.error("a background worker died", { job, error: event.message });
      this.#forget(worker);
      if (worker !== this.#worker) return;
      this.#worker = undefined;
      this.#fail(new Error(`The worker for ${job} died: ${event.message}`));
    };
    this.#failAfter(startMs, tooLong);
  }

  #takeReport(report: Exclude<Report, { kind: "ended" }>, worker: Worker): void {
    if (report.kind === "ready") {
      this.#readySince = performance.now();
      return this.#give(worker);
    }
    clearTimeout(this.#deadline);
    const { settled } = this.#running!;
    if (report.kind === "done") {
      this.#running = undefined;
      settled.resolve(report.output);
      return this.#next();
    }
    this.#worker = undefined;
    worker.postMessage(endWorker);
    const { code, error } = report;
    const message = error instanceof Error ? error.message : String(error);
    this.#fail(code === undefined ? error : new ChatError(code, message, { cause: error }));
  }

  #give(worker: Worker): void {
    const { settings, deadlineMs } = this.#options;
    this.#failAfter(deadlineMs, overDeadline);
    worker.postMessage({ settings, input: this.#running!.input } satisfies Task);
  }

  #failAfter(ms: number, error: () => ChatError): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      this.#options.log.warn("a background task took too long", { job: this.#options.job, ms });
      this.#fail(error());
    }, ms);
  }

  /**
   * Lets the worker finish its task. A worker that is terminated while it runs JavaScript leaves its SQLite connection
   * open (Deno 2.9.3), and a read transaction in it keeps the write-ahead log from being emptied.
   */
  #retire(worker: Worker): void {
    worker.postMessage(endWorker);
    const timer = setTimeout(() => {
      this.#retired.delete(worker);
      worker.terminate();
    }, retireMs);
    Deno.unrefTimer(timer);
    this.#retired.set(worker, timer);
  }

  /** Removes a retired worker that ended. */
  #forget(worker: Worker): void {
    clearTimeout(this.#retired.get(worker));
    this.#retired.delete(worker);
  }

  /** Fails the running task and retires its worker, which may still be running it. */
  #fail(error: unknown): void {
    clearTimeout(this.#deadline);
    if (this.#worker !== undefined) this.#retire(this.#worker);
    this.#worker = undefined;
    const running = this.#running;
    this.#running = undefined;
    running?.settled.reject(error);
    this.#next();
  }
}

function tooLong(): ChatError {
  return new ChatError("busy", "The server has no time for this right now: try again later, or ask for less.", {
    retryAfterMs: 5_000,
  });
}

function notPermitted(): ChatError {
  return new ChatError(
    "unavailable",
    "The server lacks a permission for this: its log tells the operator which one to add.",
  );
}

/** Is not worth another try, which would take as long. */
function overDeadline(): ChatError {
  return new ChatError("limit_reached", "This takes the server too long: ask for less.");
}

function closedError(): ChatError {
  return new ChatError("unavailable", "The server is shutting down.", { retryAfterMs: 1_000 });
}
