import { TokenBuckets } from "../../core/token_bucket.ts";

export interface StrangersLimits {
  /**
   * Tokens of an address (of an IPv6 /64 network), or of a user for calls over their connections that need no login.
   */
  readonly perAddress: { readonly burst: number; readonly perSecond: number; readonly debt: number };
  /**
   * Tokens of all addresses together, for reflection. A queue that is fair to addresses bounds the hashing of
   * passwords.
   */
  readonly inAll: { readonly burst: number; readonly perSecond: number };
  /** Calls over one connection beyond the budget, before the connection is closed. */
  readonly callsBeyond: number;
}

/** Default limits. A token is about a tenth of a millisecond of work, or 1 KiB of an answer. */
export const strangersLimits: StrangersLimits = {
  perAddress: { burst: 400, perSecond: 40, debt: 80 },
  inAll: { burst: 4_000, perSecond: 400 },
  callsBeyond: 16,
};

/** Costs in tokens of everything that needs no login. An answer of reflection costs one more for each KiB. */
export const strangersCosts = {
  /** A connection over which no user logged in. */
  connection: 4,
  /** A call without a valid token: a health check, an unknown method, a refused hello, a malformed request. */
  call: 1,
  /** An attempt to log in or to register, in addition to the call. */
  account: 10,
  /** A call of reflection, in addition to the call and its answers. */
  reflection: 1,
};

/**
 * A budget for everything that needs no login, for each address and in all. Work that may be refused is charged in
 * advance. Work that is cheaper to do than to refuse is charged afterwards, and delays the next connections of the
 * address.
 */
export class StrangersBudget {
  readonly #perAddress: TokenBuckets;
  readonly #inAll: TokenBuckets;
  readonly #now: () => number;

  constructor({ perAddress, inAll }: StrangersLimits, now: () => number = () => performance.now()) {
    this.#perAddress = new TokenBuckets(perAddress);
    this.#inAll = new TokenBuckets(inAll);
    this.#now = now;
  }

  /** Charges work and returns 0; or charges nothing, and returns the wait in milliseconds until there may be enough. */
  take(key: string, cost: number): number {
    return this.#perAddress.take(key, this.#now(), cost);
  }

  /** Charges like {@link take}, for reflection: to the budget of all together too. */
  takeReflection(key: string, cost: number): number {
    const now = this.#now();
    const wait = Math.max(this.#perAddress.peek(key, now, cost), this.#inAll.peek("", now, cost));
    if (wait > 0) return wait;
    this.#inAll.take("", now, cost);
    return this.#perAddress.take(key, now, cost);
  }

  /** Charges work that was done already. */
  spend(key: string, cost: number): void {
    this.#perAddress.spend(key, this.#now(), cost);
  }

  /** Returns whether the key has used up its budget. */
  isUsedUp(key: string): boolean {
    return this.#perAddress.peek(key, this.#now()) > 0;
  }

  /** Returns the milliseconds until the key can pay for work of this cost. */
  waitMs(key: string, cost: number): number {
    return this.#perAddress.peek(key, this.#now(), cost);
  }
}
