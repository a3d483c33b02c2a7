import type { Timers } from "../../../src/client/timers.ts";

/** Lets everything that is ready run: promises, and what they make ready. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Time that moves only when a test says so. */
export class ManualTimers implements Timers {
  #now = Date.UTC(2025, 0, 1);
  readonly #waiting = new Set<{ at: number; run: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#waiting.add(timer);
    return () => this.#waiting.delete(timer);
  }

  /** How many have been neither run nor cancelled. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Moves on by `ms`, running what falls due on the way, each with all that follows from it. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let timer = this.#next(); timer && timer.at <= end; timer = this.#next()) {
      this.#waiting.delete(timer);
      this.#now = timer.at;
      timer.run();
      await settle();
    }
    this.#now = end;
  }

  /** Moves on from timer to timer until `condition` holds. @throws {Error} when it does not within `limitMs` of this time. */
  async until(condition: () => boolean, limitMs = 3_600_000): Promise<void> {
    const end = this.#now + limitMs;
    await settle();
    while (!condition()) {
      const timer = this.#next();
      if (!timer || timer.at > end) throw new Error(`Not within ${limitMs} ms: ${condition}`);
      await this.advance(timer.at - this.#now);
    }
  }

  #next(): { at: number; run: () => void } | undefined {
    let next: { at: number; run: () => void } | undefined;
    for (const timer of this.#waiting) {
      if (!next || timer.at < next.at) next = timer;
    }
    return next;
  }
}
