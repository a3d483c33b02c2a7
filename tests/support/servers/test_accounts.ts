import type { DeviceRecord, InviteRecord } from "../../../src/core/accounts/account_store.ts";
import { Accounts, type AccountsOptions, type Revocation } from "../../../src/core/accounts/accounts.ts";
import { Database } from "../../../src/store/sqlite/database.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { rejectsWith } from "../checks/chat_error_assertions.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeHasher } from "../fakes/fake_hasher.ts";

export const password = "correct horse";
export const minute = 60_000;
export const day = 24 * 60 * minute;

/** A store that records calls. */
class RecordingStore extends SqliteAccountStore {
  readonly savedDevices: DeviceRecord[] = [];
  readonly addedInvites: InviteRecord[] = [];
  touches = 0;

  override saveDevice(device: DeviceRecord): Promise<void> {
    this.savedDevices.push(device);
    return super.saveDevice(device);
  }

  override addInvite(invite: InviteRecord): Promise<void> {
    this.addedInvites.push(invite);
    return super.addInvite(invite);
  }

  override touchDevice(id: string, times: { lastUsedAt: number; expiresAt: number }): Promise<void> {
    this.touches++;
    return super.touchDevice(id, times);
  }
}

/** Returns accounts on an empty store, with shortcuts for one address and one password. */
export function setUp(options: Partial<AccountsOptions> = {}) {
  const store = new RecordingStore(Database.openInMemory());
  const hasher = new FakeHasher();
  const clock = new FakeClock();
  const logged: unknown[] = [];
  const note = (event: string, details?: Record<string, unknown>) => void logged.push([event, details]);
  const log = { info: note, warn: note, error: note };
  const accounts = new Accounts({ store, hasher, clock, log, registration: "open", ...options });
  const revocations: Revocation[] = [];
  accounts.onRevoked((revocation) => revocations.push(revocation));
  const register = (user: string, more: { address?: string; invite?: string; password?: string } = {}) =>
    accounts.register({ user, password, invite: "", deviceName: "laptop", address: "192.0.2.1", ...more });
  const logIn = (user: string, more: { address?: string; deviceId?: string; password?: string } = {}) =>
    accounts.logIn({ user, password, deviceName: "phone", deviceId: "", address: "192.0.2.1", ...more });
  const fail = (user: string, more: { address?: string; deviceId?: string } = {}) =>
    rejectsWith("unauthenticated", logIn(user, { ...more, password: "wrong password" }));
  return { store, hasher, clock, logged, accounts, revocations, register, logIn, fail };
}
