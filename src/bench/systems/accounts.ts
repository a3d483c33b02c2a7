import { Accounts } from "../../core/accounts/accounts.ts";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { ScryptHasher } from "../../host/scrypt_hasher.ts";
import type { Store } from "../../store/store.ts";

/** A user with the token of a login. */
export interface Account {
  readonly name: string;
  readonly token: string;
}

/** The prefix of all user names of a bench. */
export const namePrefix = "bench-";

/**
 * Adds accounts with new names to a store that no server uses. They have no password to log in with: hashing one takes a
 * tenth of a second, and is not part of the measurement.
 */
export async function makeAccounts(store: Pick<Store, "accounts">, count: number): Promise<Account[]> {
  const { unmatchable } = new ScryptHasher();
  const accounts = new Accounts({
    store: store.accounts,
    hasher: {
      unmatchable,
      hash: () => Promise.resolve(unmatchable),
      verify: () => Promise.resolve({ matches: false, outdated: false }),
    },
    clock: systemClock,
    log: silentLog,
    registration: "open",
    registrationsPerAddress: { burst: count, perSecond: count },
  });
  const run = crypto.randomUUID().slice(0, 8);
  const made: Account[] = [];
  for (let i = 0; i < count; i++) {
    const name = `${namePrefix}${run}-${i}`;
    const { token } = await accounts.register({
      user: name,
      password: crypto.randomUUID(),
      invite: "",
      deviceName: "bench",
      address: "",
    });
    made.push({ name, token });
  }
  return made;
}
