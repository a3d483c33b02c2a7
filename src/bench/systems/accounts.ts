import { Accounts } from "../../core/accounts/accounts.ts";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { ScryptHasher } from "../../host/scrypt_hasher.ts";
import { lockFolder } from "../../store/folder_lock.ts";
import { openStore } from "../../store/open_store.ts";

/** Somebody who is logged in. */
export interface Account {
  readonly name: string;
  readonly token: string;
}

/** Begins the names of all users that a bench makes. */
export const namePrefix = "bench-";

/**
 * Makes accounts in a data folder that no server has, and the folder, with names that no other call gives. Nobody can log in to them with a password: hashing one takes a
 * tenth of a second, and is not what is measured.
 */
export async function makeAccounts(folder: string, count: number): Promise<Account[]> {
  using _lock = lockFolder(folder);
  using store = openStore({ folder });
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
