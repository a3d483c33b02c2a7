import type { Log } from "../log.ts";
import type { Revocation } from "./identity.ts";

/** Tells listeners of revoked devices and users. */
export class Revocations {
  readonly #log: Log;
  readonly #listeners: ((revocation: Revocation) => void)[] = [];
  #count = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Number of revocations so far. */
  get count(): number {
    return this.#count;
  }

  /** Calls `listener` for each later revocation, synchronously. */
  listen(listener: (revocation: Revocation) => void): void {
    this.#listeners.push(listener);
  }

  /** Calls all listeners. An error of one is logged. */
  publish(revocation: Revocation): void {
    this.#count++;
    for (const listener of this.#listeners) {
      try {
        listener(revocation);
      } catch (cause) {
        this.#log.error("a revocation listener failed", { user: revocation.user, cause });
      }
    }
  }
}
