import { turns } from "../waiting/turns.ts";
import { allAnswered } from "./late_store.ts";

/** Timers and `performance.now` of the whole process, which move only when a test says so, until the end of its scope. */
export class FakeTime implements Disposable {
  readonly #setTimeout = globalThis.setTimeout;
  readonly #clearTimeout = globalThis.clearTimeout;
  readonly #performanceNow = performance.now;
  readonly #timers = new Map<number, { at: number; run: () => void }>();
  #now = 0;
  #lastId = 1_000_000;

  constructor() {
    const start = Math.ceil(performance.now());
    performance.now = () => start + this.#now;
    globalThis.setTimeout = ((run: () => void, ms = 0) => {
      this.#timers.set(++this.#lastId, { at: this.#now + ms, run });
      return this.#lastId;
    }) as unknown as typeof setTimeout;
    globalThis.clearTimeout = ((id: number) => void this.#timers.delete(id)) as unknown as typeof clearTimeout;
  }

  /** How many timers have been neither run nor cleared. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms`, running what falls due on the way, each with all that follows from it. */
  async tick(ms: number): Promise<void> {
    const end = this.#now + ms;
    await consequences();
    for (let due = this.#next(); due !== undefined && due[1].at <= end; due = this.#next()) {
      this.#timers.delete(due[0]);
      this.#now = due[1].at;
      due[1].run();
      await consequences();
    }
    this.#now = end;
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#setTimeout;
    globalThis.clearTimeout = this.#clearTimeout;
    performance.now = this.#performanceNow;
  }

  #next(): [number, { at: number; run: () => void }] | undefined {
    return [...this.#timers].sort(([, one], [, other]) => one.at - other.at).at(0);
  }
}

async function consequences(): Promise<void> {
  await turns(3);
  await allAnswered();
}
