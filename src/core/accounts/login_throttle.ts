import { addressKey } from "../address_key.ts";
import { ChatError } from "../chat_error.ts";
import { TokenBuckets } from "../token_bucket.ts";

/** An attempt to prove knowledge of a password. */
export interface LoginAttempt {
  /** A valid name, with or without an account. */
  readonly user: string;
  /** Remote address; undefined for an attempt through a broker, which does not pass it on. */
  readonly address: string | undefined;
  /** Set when the attempt names a device that this user logged in on before. */
  readonly knownDeviceId?: string;
}

/** Failures allowed at once, and per second after that; see {@link LoginThrottle}. */
export const failedLogins = {
  byAddressAndName: { burst: 5, perSecond: 1 / 120, debt: 5 },
  byAddress: { burst: 20, perSecond: 1 / 30, debt: 20 },
  byName: { burst: 25, perSecond: 1 / 30, debt: 25 },
  brokeredByName: { burst: 10, perSecond: 1 / 30, debt: 10 },
  brokered: { burst: 100, perSecond: 1, debt: 100 },
} as const;

/**
 * Slows down the guessing of passwords. Only failures count, and no wait exceeds 15 minutes.
 *
 * - One name from one address: 5 failures, then one in 2 minutes.
 * - One address: 20 failures, then one in 30 seconds.
 * - One name from all addresses: 25 failures, then one in 30 seconds. A stranger with one address cannot exhaust that,
 *   so the owner can always log in from another. A stranger with many addresses can delay the owner, but only on a new
 *   device: a known device names its random id and is counted by that alone.
 *
 * Attempts through a broker are counted apart from all others: 10 failures of one name, then one in 30 seconds; 100
 * failures of all names, then one in a second.
 *
 * Concurrent attempts are all admitted before the first one fails; the hash queue bounds their number. Their failures
 * become a debt, which lengthens the wait.
 */
export class LoginThrottle {
  readonly #byAddressAndName = new TokenBuckets(failedLogins.byAddressAndName);
  readonly #byAddress = new TokenBuckets(failedLogins.byAddress);
  readonly #byName = new TokenBuckets(failedLogins.byName);
  readonly #brokeredByName = new TokenBuckets(failedLogins.brokeredByName);
  readonly #brokered = new TokenBuckets(failedLogins.brokered);

  /**
   * Checks that an attempt is allowed now.
   * @throws {ChatError} `rate_limited`, whether or not the name has an account
   */
  check(attempt: LoginAttempt, now: number): void {
    const waits = this.#buckets(attempt).map(([buckets, key]) => buckets.peek(key, now));
    const retryAfterMs = Math.max(...waits);
    if (retryAfterMs === 0) return;
    throw new ChatError(
      "rate_limited",
      `Cannot log in as "${attempt.user}" now: too many attempts failed. Try again in ${formatWait(retryAfterMs)}.`,
      { retryAfterMs },
    );
  }

  failed(attempt: LoginAttempt, now: number): void {
    for (const [buckets, key] of this.#buckets(attempt)) buckets.spend(key, now);
  }

  succeeded(attempt: LoginAttempt): void {
    const [buckets, key] = this.#buckets(attempt)[0];
    buckets.forget(key);
  }

  #buckets({ user, address, knownDeviceId }: LoginAttempt): [TokenBuckets, string][] {
    if (knownDeviceId !== undefined) return [[this.#byAddressAndName, `device ${knownDeviceId}`]];
    if (address === undefined) return [[this.#brokeredByName, user], [this.#brokered, ""]];
    const origin = addressKey(address);
    return [
      [this.#byAddressAndName, `${user} ${origin}`],
      [this.#byAddress, origin],
      [this.#byName, user],
    ];
  }
}

function formatWait(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 90) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  return `${Math.ceil(seconds / 60)} minutes`;
}
