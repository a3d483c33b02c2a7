const dayMs = 24 * 60 * 60_000;
/** Addresses that are remembered, those of the latest log-ins. */
const maxAddresses = 10_000;

/** The addresses over which users logged in within a day. Places are kept for them when strangers flood the server. */
export class KnownAddresses {
  readonly #now: () => number;
  /** Times of the latest log-in, by the key of the address; the latest last. */
  readonly #logIns = new Map<string, number>();

  /** @param now a clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get size(): number {
    return this.#logIns.size;
  }

  has(addressKey: string): boolean {
    return this.#now() - (this.#logIns.get(addressKey) ?? -Infinity) < dayMs;
  }

  /** Notes that a user logged in over an address. */
  add(addressKey: string): void {
    this.#logIns.delete(addressKey);
    this.#logIns.set(addressKey, this.#now());
    if (this.#logIns.size <= maxAddresses) return;
    const [oldest] = this.#logIns.keys();
    this.#logIns.delete(oldest);
  }
}
