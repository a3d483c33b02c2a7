import { TokenBuckets } from "../core/token_bucket.ts";

export interface ConnectionRateLimits {
  /** Connections of one address (of an IPv6 /64 network). */
  readonly perAddress: { readonly burst: number; readonly perSecond: number };
  /** Connections of all addresses; half of the burst is kept for addresses over which a user logged in within a day. */
  readonly inAll: { readonly burst: number; readonly perSecond: number };
}

export const standardConnectionRate: ConnectionRateLimits = {
  perAddress: { burst: 256, perSecond: 32 },
  inAll: { burst: 2_048, perSecond: 256 },
};

const dayMs = 24 * 60 * 60_000;
/** Addresses that are remembered, those of the latest log-ins. */
const maxKnown = 10_000;
/** The one key of the bucket of all addresses. */
const all = "";

/** Bounds how fast new connections come. One over which a user logs in counts no more. */
export class ConnectionRate {
  readonly #perAddress: TokenBuckets;
  readonly #inAll: TokenBuckets;
  readonly #kept: number;
  readonly #now: () => number;
  /** Times of the latest log-in over each address, the latest last. */
  readonly #known = new Map<string, number>();

  /** @param now a clock in milliseconds */
  constructor({ perAddress, inAll }: ConnectionRateLimits, now: () => number = () => performance.now()) {
    this.#perAddress = new TokenBuckets(perAddress);
    this.#inAll = new TokenBuckets(inAll);
    this.#kept = inAll.burst / 2;
    this.#now = now;
  }

  /** Counts a new connection from an address. @returns false when it is one too many, and was not counted. */
  admit(addressKey: string): boolean {
    const now = this.#now();
    const kept = this.#isKnown(addressKey, now) ? 0 : this.#kept;
    if (this.#inAll.peek(all, now, 1 + kept) > 0) return false;
    if (this.#perAddress.take(addressKey, now) > 0) return false;
    this.#inAll.take(all, now);
    return true;
  }

  /** Notes that a user logged in over a connection that was counted. */
  loggedIn(addressKey: string): void {
    const now = this.#now();
    this.#perAddress.giveBack(addressKey, now);
    this.#inAll.giveBack(all, now);
    this.#known.delete(addressKey);
    this.#known.set(addressKey, now);
    if (this.#known.size <= maxKnown) return;
    const [oldest] = this.#known.keys();
    this.#known.delete(oldest);
  }

  #isKnown(addressKey: string, now: number): boolean {
    return now - (this.#known.get(addressKey) ?? -Infinity) < dayMs;
  }
}
