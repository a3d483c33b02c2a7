import { addressKey } from "../address_key.ts";
import { ChatError } from "../chat_error.ts";
import { TokenBuckets } from "../token_bucket.ts";

/** Who tries to prove that they know a password. */
export interface LoginAttempt {
  /** A valid name, whether somebody has it or not. */
  readonly user: string;
  /** Where the attempt comes from: a remote address; undefined when it came through a broker, which does not say. */
  readonly address: string | undefined;
  /** Set when the attempt names a device that this user logged in on before. */
  readonly knownDeviceId?: string;
}

/** Failures that are let in at once, and then in a second; see {@link LoginThrottle}. */
export const failedLogins = {
  byAddressAndName: { burst: 5, perSecond: 1 / 120, debt: 5 },
  byAddress: { burst: 20, perSecond: 1 / 30, debt: 20 },
  byName: { burst: 25, perSecond: 1 / 30, debt: 25 },
  brokeredByName: { burst: 10, perSecond: 1 / 30, debt: 10 },
  brokered: { burst: 100, perSecond: 1, debt: 100 },
} as const;

/**
 * Slows down the guessing of passwords: only failures count, and nobody ever waits longer than 15 minutes.
 *
 * - One name from one address: 5 failures, then one in 2 minutes.
 * - One address: 20 failures, then one in 30 seconds.
 * - One name from everywhere: 25 failures, then one in 30 seconds. A stranger at one address cannot use that up, so the
 *   owner at another can always log in; a stranger with many addresses can make the owner wait, but only on a device
 *   that is new: one that logged in before names its random id, and is counted by it alone.
 *
 * Attempts through a broker are counted apart from all others: one name 10 failures, then one in 30 seconds; all of them
 * together 100, then one in a second.
 *
 * Attempts that run side by side are all let in before the first fails; the queue for hashing bounds how many. Their
 * failures are owed, and paid off by waiting longer.
 */
export class LoginThrottle {
  readonly #byAddressAndName = new TokenBuckets(failedLogins.byAddressAndName);
  readonly #byAddress = new TokenBuckets(failedLogins.byAddress);
  readonly #byName = new TokenBuckets(failedLogins.byName);
  readonly #brokeredByName = new TokenBuckets(failedLogins.brokeredByName);
  readonly #brokered = new TokenBuckets(failedLogins.brokered);

  /** @throws {ChatError} `rate_limited`, the same whether somebody has the name or not. */
  check(attempt: LoginAttempt, now: number): void {
    const waits = this.#buckets(attempt).map(([buckets, key]) => buckets.peek(key, now));
    const retryAfterMs = Math.max(...waits);
    if (retryAfterMs === 0) return;
    throw new ChatError(
      "rate_limited",
      `Cannot log in as "${attempt.user}" now: too many attempts failed. Try again in ${inWords(retryAfterMs)}.`,
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

function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 90) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  return `${Math.ceil(seconds / 60)} minutes`;
}
