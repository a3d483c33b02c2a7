export interface BackoffOptions {
  /** Upper bound of the first wait, in milliseconds. Default 500. */
  initialMs?: number;
  /** Upper bound of every wait, in milliseconds. Default 30 000. */
  maxMs?: number;
  /** From 0 up to 1. Default `Math.random`. */
  random?: () => number;
}

/**
 * Waits between attempts: exponential with full jitter, to spread the clients that lost the same server
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 *
 * @example
 * ```ts
 * import { systemTimers, wait } from "./timers.ts";
 *
 * const backoff = new Backoff({ maxMs: 5_000 });
 * while (!(await fetch("http://127.0.0.1:9464/readyz")).ok) await wait(systemTimers, backoff.next());
 * backoff.reset();
 * ```
 */
export class Backoff {
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #failures = 0;

  constructor(options: BackoffOptions = {}) {
    this.#initialMs = options.initialMs ?? 500;
    this.#maxMs = options.maxMs ?? 30_000;
    this.#random = options.random ?? Math.random;
  }

  /** Returns the wait after one more failure, in milliseconds. */
  next(): number {
    const bound = Math.min(this.#maxMs, this.#initialMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return Math.round(bound * this.#random());
  }

  /** Begins again with the shortest wait, after a success. */
  reset(): void {
    this.#failures = 0;
  }
}
