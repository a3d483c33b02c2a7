const dayMs = 24 * 60 * 60_000;
/** Largest number of remembered addresses, those of the latest logins. */
const maxAddresses = 10_000;

/**
 * Addresses from which users logged in within a day. Connections are reserved for them when strangers flood the server.
 */
export class KnownAddresses {
  readonly #now: () => number;
  /** Time of the latest login by address key; latest last. */
  readonly #logIns = new Map<string, number>();

  /** Creates an empty set. @param now a clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get size(): number {
    return this.#logIns.size;
  }

  has(addressKey: string): boolean {
    return this.#now() - (this.#logIns.get(addressKey) ?? -Infinity) < dayMs;
  }

  /** Records a login from an address. */
  add(addressKey: string): void {
    this.#logIns.delete(addressKey);
    this.#logIns.set(addressKey, this.#now());
    if (this.#logIns.size <= maxAddresses) return;
    const [oldest] = this.#logIns.keys();
    this.#logIns.delete(oldest);
  }
}
