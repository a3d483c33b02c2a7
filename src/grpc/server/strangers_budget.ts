import { TokenBuckets } from "../../core/token_bucket.ts";

export interface StrangersLimits {
  /** Tokens of an address (of an IPv6 /64 network), or of a user for calls over their connections that need no login. */
  readonly perAddress: { readonly burst: number; readonly perSecond: number; readonly debt: number };
  /** Tokens for reflection of all of them together. Hashing of passwords is bounded by its queue, which is fair to addresses. */
  readonly inAll: { readonly burst: number; readonly perSecond: number };
  /** Calls over one connection beyond the budget, before the connection is closed. */
  readonly callsBeyond: number;
}

/** A token is about a tenth of a millisecond of work, or 1 KiB of an answer. */
export const strangersLimits: StrangersLimits = {
  perAddress: { burst: 400, perSecond: 40, debt: 80 },
  inAll: { burst: 4_000, perSecond: 400 },
  callsBeyond: 16,
};

/** Tokens that each thing costs which needs no login. An answer of reflection costs one for each KiB of it. */
export const strangersCosts = {
  /** A connection over which nobody logged in. */
  connection: 4,
  /** A call without a good token: a health check, an unknown method, a refused hello, a malformed request. */
  call: 1,
  /** A try to log in or to register, beside the call. */
  account: 10,
  /** A call of reflection, beside the call and its answers. */
  reflection: 1,
};

/**
 * One budget for everything that needs no login, for each address and in all. Work that may be refused is taken from it
 * beforehand; what is cheaper to do than to refuse is charged afterwards, and delays the next connections of the address.
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

  /** Takes what work costs and returns 0; or takes nothing, and returns in how many milliseconds there may be enough. */
  take(key: string, cost: number): number {
    return this.#perAddress.take(key, this.#now(), cost);
  }

  /** As {@link take}, for reflection: from the budget of all together too. */
  takeReflection(key: string, cost: number): number {
    const now = this.#now();
    const wait = Math.max(this.#perAddress.peek(key, now, cost), this.#inAll.peek("", now, cost));
    if (wait > 0) return wait;
    this.#inAll.take("", now, cost);
    return this.#perAddress.take(key, now, cost);
  }

  /** Charges what was done already. */
  spend(key: string, cost: number): void {
    this.#perAddress.spend(key, this.#now(), cost);
  }

  /** Whether the key has used up its budget. */
  isUsedUp(key: string): boolean {
    return this.#perAddress.peek(key, this.#now()) > 0;
  }

  /** Milliseconds until the key can pay for work of this cost. */
  waitMs(key: string, cost: number): number {
    return this.#perAddress.peek(key, this.#now(), cost);
  }
}
