import { TokenBuckets } from "../../core/token_bucket.ts";

export interface ConnectionRateLimits {
  /** Connections of one address (of an IPv6 /64 network). */
  readonly perAddress: { readonly burst: number; readonly perSecond: number };
  /** Connections of all addresses; half of the burst is kept for known addresses. */
  readonly inAll: { readonly burst: number; readonly perSecond: number };
}

export const standardConnectionRate: ConnectionRateLimits = {
  perAddress: { burst: 256, perSecond: 32 },
  inAll: { burst: 2_048, perSecond: 256 },
};

/** The one key of the bucket of all addresses. */
const all = "";

/** Bounds how fast new connections come. One over which a user logs in counts no more. */
export class ConnectionRate {
  readonly #perAddress: TokenBuckets;
  readonly #inAll: TokenBuckets;
  readonly #kept: number;
  readonly #now: () => number;

  /** @param now a clock in milliseconds */
  constructor({ perAddress, inAll }: ConnectionRateLimits, now: () => number = () => performance.now()) {
    this.#perAddress = new TokenBuckets(perAddress);
    this.#inAll = new TokenBuckets(inAll);
    this.#kept = inAll.burst / 2;
    this.#now = now;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#perAddress.size;
  }

  /**
   * Counts a new connection from an address.
   * @param options.isKnown the address may use the part of the burst that is kept
   * @returns false when it is one too many, and was not counted.
   */
  admit(addressKey: string, { isKnown }: { isKnown: boolean }): boolean {
    const now = this.#now();
    if (this.#inAll.peek(all, now, isKnown ? 1 : 1 + this.#kept) > 0) return false;
    if (this.#perAddress.take(addressKey, now) > 0) return false;
    this.#inAll.take(all, now);
    return true;
  }

  /** Gives a connection back that was counted: a user logged in over it. */
  giveBack(addressKey: string): void {
    const now = this.#now();
    this.#perAddress.giveBack(addressKey, now);
    this.#inAll.giveBack(all, now);
  }
}
