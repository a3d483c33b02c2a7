/** How often the serving process is asked, and for how long it may be silent, both in milliseconds. */
const askIntervalMs = 5_000;
const silenceLimitMs = 60_000;

export interface HeartbeatTimes {
  readonly intervalMs: number;
  readonly limitMs: number;
}

export interface HeartbeatOptions {
  /** Asks the process for a sign of life. One question is open at a time. */
  ask(): void;
  /** The process gave none for `silentMs` milliseconds. Called once. */
  onSilence(silentMs: number): void;
  readonly times?: HeartbeatTimes;
  readonly now?: () => number;
}

/**
 * Notices a process that lives and does nothing: its event loop is busy for ever, or waits for a disk for ever. Owned by its
 * maker, who starts it once the process serves and stops it when the process ended.
 *
 * It measures by its own ticks, and a tick counts as two intervals at most. So time in which this process did not run
 * either (both were stopped, the machine slept) is not held against the other one.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #times: HeartbeatTimes;
  readonly #now: () => number;
  #timer: ReturnType<typeof setInterval> | undefined;
  #tickedAt = 0;
  /** Since the open question was asked, in milliseconds; undefined when none is open. */
  #silentMs: number | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#times = options.times ?? { intervalMs: askIntervalMs, limitMs: silenceLimitMs };
    this.#now = options.now ?? (() => performance.now());
  }

  start(): void {
    this.#tickedAt = this.#now();
    this.#timer = setInterval(() => this.tick(), this.#times.intervalMs);
  }

  /** The process answered. */
  answered(): void {
    this.#silentMs = undefined;
  }

  /** Ends an interval: counts it, and asks again or gives up. */
  tick(): void {
    const { intervalMs, limitMs } = this.#times;
    const now = this.#now();
    const passedMs = Math.min(now - this.#tickedAt, 2 * intervalMs);
    this.#tickedAt = now;
    if (this.#silentMs === undefined) {
      this.#silentMs = 0;
      return this.#options.ask();
    }
    this.#silentMs += passedMs;
    if (this.#silentMs < limitMs) return;
    this.stop();
    this.#options.onSilence(this.#silentMs);
  }

  /** Ends for good. */
  stop(): void {
    clearInterval(this.#timer);
  }
}
