import type { Log } from "./log.ts";

export interface SweepOptions {
  /** Interval between runs once started, in milliseconds; without it, runs only on request. */
  readonly everyMs?: number;
  /** Does all the work that is due, until `signal` aborts. */
  readonly work: (signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  /** The log event for a failed run. */
  readonly failureEvent: string;
}

/**
 * Background work that runs one at a time, at intervals and on request.
 *
 * @example
 * ```ts
 * import { silentLog } from "./log.ts";
 *
 * const work = async (): Promise<void> => await Deno.remove("expired.tmp");
 * const sweep = new Sweep({ everyMs: 60_000, work, log: silentLog, failureEvent: "cannot remove expired uploads" });
 * sweep.start();
 * await sweep.close();
 * ```
 */
export class Sweep {
  readonly #options: SweepOptions;
  readonly #stopped = new AbortController();
  #timer: ReturnType<typeof setInterval> | undefined;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  get isStarted(): boolean {
    return this.#timer !== undefined;
  }

  /** Runs now and at intervals, until {@link close}. */
  start(): void {
    if (this.#stopped.signal.aborted) return;
    const { everyMs } = this.#options;
    if (everyMs !== undefined) this.#timer ??= setInterval(() => void this.run(), everyMs);
    void this.run();
  }

  /**
   * Runs the work. If it is running already, runs it once more afterwards, because that run may have passed the
   * requested part. Never rejects.
   * @returns when all requested work is done, or {@link close} was called
   */
  run(): Promise<void> {
    if (this.#stopped.signal.aborted) return Promise.resolve();
    this.#again = true;
    return this.#running ??= this.#runAll();
  }

  /** Stops. Resolves when no run is in progress. */
  async close(): Promise<void> {
    this.#stopped.abort();
    clearInterval(this.#timer);
    await this.#running;
  }

  async #runAll(): Promise<void> {
    const { work, log, failureEvent } = this.#options;
    const { signal } = this.#stopped;
    while (this.#again && !signal.aborted) {
      this.#again = false;
      try {
        await work(signal);
      } catch (cause) {
        log.error(failureEvent, { cause });
      }
    }
    this.#running = undefined;
  }
}
