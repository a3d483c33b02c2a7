import { addressKey } from "../../core/address_key.ts";

export interface DialSlotsOptions {
  /** Concurrent dials to one address (to one IPv6 /64 network). */
  perAddress: number;
  /** Concurrent dials to all addresses. */
  inAll: number;
}

/** Bounds concurrent dials; further ones wait for their turn. */
export class DialSlots {
  readonly #options: DialSlotsOptions;
  readonly #taken = new Map<string, number>();
  readonly #waiting = new Set<{ readonly key: string; readonly start: () => void }>();
  #inAll = 0;

  constructor(options: DialSlotsOptions) {
    this.#options = options;
  }

  /** Runs `dial` when `address` has a free slot. Rejects with the signal's reason if the signal aborts first. */
  async run<T>(address: string, { signal, dial }: { signal: AbortSignal; dial: () => Promise<T> }): Promise<T> {
    signal.throwIfAborted();
    const key = addressKey(address);
    if (this.#isFree(key)) this.#take(key);
    else await this.#wait(key, signal);
    try {
      return await dial();
    } finally {
      this.#release(key);
    }
  }

  #isFree(key: string): boolean {
    return this.#inAll < this.#options.inAll && (this.#taken.get(key) ?? 0) < this.#options.perAddress;
  }

  #take(key: string): void {
    this.#inAll++;
    this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
  }

  #wait(key: string, signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const start = () => {
        signal.removeEventListener("abort", giveUp);
        this.#waiting.delete(entry);
        this.#take(key);
        resolve();
      };
      const giveUp = () => {
        this.#waiting.delete(entry);
        reject(signal.reason);
      };
      const entry = { key, start };
      this.#waiting.add(entry);
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }

  #release(key: string): void {
    this.#inAll--;
    const left = this.#taken.get(key)! - 1;
    if (left === 0) this.#taken.delete(key);
    else this.#taken.set(key, left);
    for (const { key, start } of this.#waiting) {
      if (this.#isFree(key)) return start();
    }
  }
}
