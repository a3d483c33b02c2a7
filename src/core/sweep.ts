import type { Log } from "./log.ts";

export interface SweepOptions {
  /** How often it runs once it is started, in milliseconds; only when it is asked for unless given. */
  readonly everyMs?: number;
  /** Does all there is to do, until `signal` aborts. */
  readonly work: (signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  /** The event in the log when `work` rejects. */
  readonly onFailure: string;
}

/** Work in the background that runs once at a time, now and then and when it is asked for. */
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

  /** From now on runs at once and at intervals, until {@link close}. */
  start(): void {
    if (this.#stopped.signal.aborted) return;
    const { everyMs } = this.#options;
    if (everyMs !== undefined) this.#timer ??= setInterval(() => void this.run(), everyMs);
    void this.run();
  }

  /**
   * Runs; while it runs already, once more after that, because what was asked for may be what that run has passed. Never rejects.
   * @returns when everything asked for so far is done, or {@link close} was called
   */
  run(): Promise<void> {
    if (this.#stopped.signal.aborted) return Promise.resolve();
    this.#again = true;
    return this.#running ??= this.#runAll();
  }

  /** Resolves when nothing of it runs any more. */
  async close(): Promise<void> {
    this.#stopped.abort();
    clearInterval(this.#timer);
    await this.#running;
  }

  async #runAll(): Promise<void> {
    const { work, log, onFailure } = this.#options;
    const { signal } = this.#stopped;
    while (this.#again && !signal.aborted) {
      this.#again = false;
      try {
        await work(signal);
      } catch (cause) {
        log.error(onFailure, { cause });
      }
    }
    this.#running = undefined;
  }
}
