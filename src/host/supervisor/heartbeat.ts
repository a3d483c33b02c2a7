/** The interval of questions to the serving process, and the longest silence, in milliseconds. */
const askIntervalMs = 5_000;
const silenceLimitMs = 60_000;

export interface HeartbeatTimes {
  readonly intervalMs: number;
  readonly limitMs: number;
}

export interface HeartbeatOptions {
  /** Asks the process for a sign of life. At most one question is open. */
  ask(): void;
  /** The process has not answered for `silentMs` milliseconds. Called once. */
  onSilence(silentMs: number): void;
  readonly times?: HeartbeatTimes;
  readonly now?: () => number;
}

/**
 * Detects a process that hangs: its event loop is busy or waits for a disk forever. The owner starts it once the process
 * serves, and stops it when the process ended.
 *
 * It measures by its own ticks, and a tick counts as two intervals at most. Time in which this process did not run
 * either (both were stopped, the machine slept) therefore does not count as silence.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #times: HeartbeatTimes;
  readonly #now: () => number;
  #timer: ReturnType<typeof setInterval> | undefined;
  #tickedAt = 0;
  /** The time since the open question, in milliseconds; undefined when none is open. */
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

  /** Records an answer of the process. */
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

  /** Ends the heartbeat; it cannot start again. */
  stop(): void {
    clearInterval(this.#timer);
  }
}
