import { TokenBuckets } from "../../core/token_bucket.ts";

export interface ConnectionRateLimits {
  /** Connections of one address (of an IPv6 /64 network). */
  readonly perAddress: { readonly burst: number; readonly perSecond: number };
  /** Connections of all addresses; half of the burst is reserved for known addresses. */
  readonly inAll: { readonly burst: number; readonly perSecond: number };
}

export const standardConnectionRate: ConnectionRateLimits = {
  perAddress: { burst: 256, perSecond: 32 },
  inAll: { burst: 2_048, perSecond: 256 },
};

/** The key of the bucket of all addresses. */
const all = "";

/** Bounds the rate of new connections. A connection stops counting when a user logs in over it. */
export class ConnectionRate {
  readonly #perAddress: TokenBuckets;
  readonly #inAll: TokenBuckets;
  readonly #kept: number;
  readonly #now: () => number;

  /** Creates full buckets. @param now a clock in milliseconds */
  constructor({ perAddress, inAll }: ConnectionRateLimits, now: () => number = () => performance.now()) {
    this.#perAddress = new TokenBuckets(perAddress);
    this.#inAll = new TokenBuckets(inAll);
    this.#kept = inAll.burst / 2;
    this.#now = now;
  }

  /** Number of remembered addresses. */
  get size(): number {
    return this.#perAddress.size;
  }

  /**
   * Counts a new connection from an address.
   * @param options.isKnown whether the address may use the reserved part of the burst
   * @returns false when it exceeds a limit, and was not counted
   */
  admit(addressKey: string, { isKnown }: { isKnown: boolean }): boolean {
    const now = this.#now();
    if (this.#inAll.peek(all, now, isKnown ? 1 : 1 + this.#kept) > 0) return false;
    if (this.#perAddress.take(addressKey, now) > 0) return false;
    this.#inAll.take(all, now);
    return true;
  }

  /** Uncounts a connection because a user logged in over it. */
  giveBack(addressKey: string): void {
    const now = this.#now();
    this.#perAddress.giveBack(addressKey, now);
    this.#inAll.giveBack(all, now);
  }
}
