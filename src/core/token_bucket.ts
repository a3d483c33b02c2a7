export interface TokenBucketOptions {
  /** Tokens in a full bucket. */
  readonly burst: number;
  /** Tokens added per second. */
  readonly perSecond: number;
  /** How far {@link TokenBuckets.spend} may go below zero; 0 unless given. */
  readonly debt?: number;
  /** Largest number of buckets; beyond it, the least recently used is forgotten. 10 000 unless given. */
  readonly maxKeys?: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** Rounding error that adding up fractions of tokens may cause. */
const roundingError = 1e-6;

/**
 * A token bucket for each key. `now` is in milliseconds; nothing is refilled while it stands still or goes back.
 *
 * @example
 * ```ts
 * import { ChatError } from "./chat_error.ts";
 *
 * const buckets = new TokenBuckets({ burst: 10, perSecond: 1 });
 * const retryAfterMs = buckets.take("ana", Date.now());
 * if (retryAfterMs > 0) throw new ChatError("rate_limited", "Too many requests.", { retryAfterMs });
 * ```
 */
export class TokenBuckets {
  readonly #burst: number;
  readonly #perMs: number;
  readonly #floor: number;
  readonly #maxKeys: number;
  /** Most recently used last. */
  readonly #buckets = new Map<string, Bucket>();
  /** The key and the bucket that were used last, as the next use is often of the same. */
  #lastKey: string | undefined;
  #last: Bucket | undefined;

  constructor({ burst, perSecond, debt = 0, maxKeys = 10_000 }: TokenBucketOptions) {
    if (!(burst >= 1)) throw new RangeError("burst must be at least 1");
    if (!(perSecond > 0)) throw new RangeError("perSecond must be above 0");
    if (!(debt >= 0)) throw new RangeError("debt must not be below 0");
    if (!(maxKeys >= 1)) throw new RangeError("maxKeys must be at least 1");
    this.#burst = burst;
    this.#perMs = perSecond / 1000;
    this.#floor = -debt;
    this.#maxKeys = maxKeys;
  }

  /** Number of buckets. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Takes `cost` tokens and returns 0; or takes nothing and returns the wait in milliseconds. A cost above the burst is
   * taken from a full bucket, which then owes the rest.
   */
  take(key: string, now: number, cost = 1): number {
    const bucket = this.#use(key, now);
    const wait = this.#wait(bucket, cost);
    if (wait === 0) bucket.tokens -= cost;
    return wait;
  }

  /** Returns the same as {@link take}, but takes nothing. */
  peek(key: string, now: number, cost = 1): number {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return 0;
    this.#refill(bucket, now);
    return this.#wait(bucket, cost);
  }

  /** Takes `cost` tokens, going into debt as far as allowed. */
  spend(key: string, now: number, cost = 1): void {
    const bucket = this.#use(key, now);
    bucket.tokens = Math.min(bucket.tokens, Math.max(bucket.tokens - cost, this.#floor));
  }

  /** Returns tokens that were taken. */
  giveBack(key: string, now: number, count = 1): void {
    const bucket = this.#use(key, now);
    bucket.tokens = Math.min(bucket.tokens + count, this.#burst);
  }

  /** Resets the bucket to full. */
  forget(key: string): void {
    this.#buckets.delete(key);
    this.#last = undefined;
  }

  #use(key: string, now: number): Bucket {
    if (this.#last === undefined || this.#lastKey !== key) {
      this.#last = this.#find(key, now);
      this.#lastKey = key;
    }
    this.#refill(this.#last, now);
    return this.#last;
  }

  /** Returns a bucket as the most recently used one. */
  #find(key: string, now: number): Bucket {
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, at: now };
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > this.#maxKeys) {
      const [oldest] = this.#buckets.keys();
      this.#buckets.delete(oldest);
    }
    return bucket;
  }

  #refill(bucket: Bucket, now: number): void {
    if (now > bucket.at) bucket.tokens = Math.min(bucket.tokens + (now - bucket.at) * this.#perMs, this.#burst);
    bucket.at = now;
  }

  #wait(bucket: Bucket, cost: number): number {
    const missing = Math.min(cost, this.#burst) - bucket.tokens;
    return missing <= roundingError ? 0 : Math.max(Math.ceil((missing - roundingError) / this.#perMs), 1);
  }
}
