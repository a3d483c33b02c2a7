import type { GuardedClock } from "../../../src/core/clock.ts";

/** A clock that is set by hand, and in doubt while another time is expected. */
export class FakeClock implements GuardedClock {
  #now: number;
  #expected: number | undefined;

  constructor(now = Date.UTC(2025, 0, 1), { expected }: { expected?: number } = {}) {
    this.#now = now;
    this.#expected = expected;
  }

  get expected(): number | undefined {
    return this.#expected;
  }

  now(): number {
    return this.#now;
  }

  earliest(): number {
    return Math.min(this.#now, this.#expected ?? this.#now);
  }

  latest(): number {
    return Math.max(this.#now, this.#expected ?? this.#now);
  }

  /** Time goes by. */
  advance(ms: number): void {
    this.#now += ms;
    if (this.#expected !== undefined) this.#expected += ms;
  }

  /** The clock jumps to another time, which is in doubt until {@link believe}. */
  doubt(now: number): void {
    this.#expected ??= this.#now;
    this.#now = now;
  }

  believe(): void {
    this.#expected = undefined;
  }
}
