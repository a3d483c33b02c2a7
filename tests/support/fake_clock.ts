import type { GuardedClock } from "../../src/core/clock.ts";

export class FakeClock implements GuardedClock {
  readonly isDoubted = false;
  #now: number;

  constructor(now = Date.UTC(2025, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  earliest(): number {
    return this.#now;
  }

  latest(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}
