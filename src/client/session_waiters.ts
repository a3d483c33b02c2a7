import type { Timers } from "./timers.ts";

/** Requests that wait for the next session of a client. */
export class SessionWaiters {
  readonly #timers: Timers;
  readonly #waiting = new Set<(found: boolean) => void>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Resolves with whether a session began before the deadline. @param deadline as {@link Timers.now} */
  wait(deadline: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (found: boolean) => {
        cancel();
        this.#waiting.delete(settle);
        resolve(found);
      };
      const cancel = this.#timers.after(Math.max(0, deadline - this.#timers.now()), () => settle(false));
      this.#waiting.add(settle);
    });
  }

  /** Ends all waits: a session began, or none will. */
  settle(found: boolean): void {
    for (const settle of [...this.#waiting]) settle(found);
  }
}
