import assert from "node:assert/strict";
import type { ChatError } from "../../../src/core/chat_error.ts";
import { defaultSettings } from "../../../src/core/people/settings_store.ts";
import type { Database } from "../../../src/store/postgres/connection/database.ts";
import { PostgresAccountStore } from "../../../src/store/postgres/postgres_account_store.ts";
import { PostgresAuditLog } from "../../../src/store/postgres/postgres_audit_log.ts";
import { PostgresClockStore } from "../../../src/store/postgres/postgres_clock_store.ts";
import { PostgresDeviceCleanup } from "../../../src/store/postgres/postgres_device_cleanup.ts";
import { PostgresSettingsStore } from "../../../src/store/postgres/postgres_settings_store.ts";
import { openEmptyDatabase, openPostgresStore } from "../../support/databases/postgres_store.ts";
import { plainBatch, plainMessage } from "../../support/lane/plain_batches.ts";
import { accept, deviceRecord, directAppend, userRecord } from "../../support/servers/stored_messages.ts";

/** Enough that calls overlap in many ways. */
const rounds = 20;
const now = 1_000_000;
const nobody = { isDeviceOnline: () => false, isConsumerOnline: () => false };

async function openStores() {
  const database = await openEmptyDatabase();
  return {
    database,
    accounts: new PostgresAccountStore(database, { whileRenaming: (change) => change() }),
    settings: new PostgresSettingsStore(database),
    audit: new PostgresAuditLog(database),
    cleanup: new PostgresDeviceCleanup(database),
    clock: await PostgresClockStore.open(database),
    [Symbol.asyncDispose]: () => database.close(),
  };
}

/** Returns how often each result came, whatever the order. */
function tally(results: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const result of results) counts[result] = (counts[result] ?? 0) + 1;
  return counts;
}

function times<T>(count: number, call: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => call(index)));
}

Deno.test("of users who register at once with one name, or with names that look alike, one is added", async () => {
  await using stores = await openStores();
  const { accounts } = stores;
  assert.deepEqual(tally(await times(8, () => accounts.addUser(userRecord("ana")))), { added: 1, exists: 7 });
  const alike = ["bill", "b1ll", "bi-ll", "b.ill"];
  const results = await Promise.all(alike.map((name) => accounts.addUser(userRecord(name))));
  assert.deepEqual(tally(results), { added: 1, similar: 3 });
});

Deno.test("an invitation that several use at once lets one of them in", async () => {
  await using stores = await openStores();
  const { accounts } = stores;
  await accounts.addInvite({ codeHash: "c", createdAt: 1, expiresAt: 10 });
  const invite = { codeHash: "c", now: 5 };
  const results = await times(8, (index) => accounts.addUser(userRecord(`user${index}`), { invite }));
  assert.deepEqual(tally(results), { added: 1, invite_invalid: 7 });
});

Deno.test("users who register at once do not exceed the maximum, also after keys with gaps", async () => {
  await using stores = await openStores();
  const { accounts, database } = stores;
  await database.write("SELECT setval(pg_get_serial_sequence('\"user\"', 'id'), 100)");
  const results = await times(8, (index) => accounts.addUser(userRecord(`user-${index}x`), { maxUsers: 5 }));
  assert.deepEqual(tally(results), { added: 5, full: 3 });
});

Deno.test("of users who choose alike display names at once, one gets it, and no account gets the name", async () => {
  await using stores = await openStores();
  const { accounts, settings } = stores;
  for (let round = 0; round < rounds; round++) {
    const users = ["a", "b", "c"].map((letter) => `${letter}x${round}`);
    for (const user of users) await accounts.addUser(userRecord(user));
    const displayName = `Captain ${round}`;
    const results = await Promise.all([
      accounts.addUser(userRecord(`captain${round}`)),
      ...users.map((user) => settings.saveSettings(user, { ...defaultSettings, displayName })),
    ]);
    assert.deepEqual(tally(results.map((each) => each === "added" ? "saved" : each)), { saved: 1, similar: 3 });
  }
});

Deno.test("of two password changes at once, one counts as the last: its password, and the token that it kept", async () => {
  await using stores = await openStores();
  const { accounts } = stores;
  await accounts.addUser(userRecord("ana"));
  for (let round = 0; round < rounds; round++) {
    for (const id of ["d1", "d2"]) await accounts.saveDevice(deviceRecord(id, "ana"));
    await Promise.all(["d1", "d2"].map((id) => {
      const keep = { deviceId: id, tokenHash: `${round} ${id}`, expiresAt: now };
      return accounts.changePassword("ana", `${round} ${id}`, keep);
    }));
    const { passwordHash } = (await accounts.findUser("ana"))!;
    assert.deepEqual((await accounts.listDevices("ana")).map(({ tokenHash }) => tokenHash), [passwordHash]);
  }
});

Deno.test("a device that logs in while its user is deleted is refused or goes with the user", async () => {
  await using stores = await openStores();
  const { accounts, database } = stores;
  for (let round = 0; round < rounds; round++) {
    const user = `user-${round}x`;
    await accounts.addUser(userRecord(user));
    const logins = times(4, async (index) => {
      try {
        await accounts.saveDevice(deviceRecord(`${user} ${index}`, user));
      } catch (error) {
        assert.equal((error as ChatError).code, "not_found");
      }
    });
    const deletions = times(2, (index) => accounts.deleteUser(user, { alias: `gone.${round}.${index}`, erase: true }));
    assert.deepEqual((await deletions).toSorted(), [false, true]);
    await logins;
    assert.deepEqual(await database.read("SELECT public_id FROM device"), []);
    assert.equal(await accounts.addUser(userRecord(user)), "exists");
  }
});

Deno.test("a message that is sent while its receiver is deleted comes before the deletion, or finds no receiver", async () => {
  const store = await openPostgresStore();
  const { accounts, messages } = store;
  await using _closed = { [Symbol.asyncDispose]: store.close };
  await accounts.addUser(userRecord("ben"));
  for (let round = 0; round < rounds; round++) {
    const user = `user-${round}x`;
    await accounts.addUser(userRecord(user));
    await accept(messages, directAppend("ben", user));
    const send = () => messages.commitPlain(plainBatch([plainMessage("ben", user)]));
    assert.equal(await send(), true);
    const isLate = round % 2 === 0;
    const early = isLate ? undefined : send();
    const deleted = accounts.deleteUser(user, { alias: `gone.${round}`, erase: false });
    const late = isLate ? send() : undefined;
    assert.deepEqual([await early, await deleted, await late], [
      isLate ? undefined : true,
      true,
      isLate ? false : undefined,
    ]);
    assert.equal((await messages.commit([directAppend("ben", user)]))[0].kind, "failed");
    const { conversation, last } = (await messages.conversationOf("ben", `ben:gone.${round}`))!;
    assert.deepEqual([conversation, last?.seq], [`ben:gone.${round}`, isLate ? 2 : 3]);
  }
});

Deno.test("a device that logs in again is neither trimmed nor removed as unused", async () => {
  await using stores = await openStores();
  const { accounts, cleanup } = stores;
  await accounts.addUser(userRecord("ana"));
  for (let round = 0; round < rounds; round++) {
    await accounts.saveDevice(deviceRecord("d1", "ana", { lastUsedAt: 1, tokenHash: undefined }));
    await Promise.all([
      cleanup.removeDevices({ now, before: now, limit: 8, live: nobody }),
      accounts.saveDevice(deviceRecord("d1", "ana", { lastUsedAt: now, tokenHash: "next" })),
      accounts.trimDevices("ana", { keep: 0 }),
      cleanup.removeDevices({ now, before: now, limit: 8, live: nobody }),
    ]);
    assert.equal((await accounts.findDeviceByToken("next"))?.id, "d1");
  }
});

Deno.test("changes of the same devices at once wait for each other in one order, and none fails", async () => {
  await using stores = await openStores();
  const { accounts, cleanup, clock, settings } = stores;
  const users = ["ana", "ben", "cleo"];
  for (const user of users) await accounts.addUser(userRecord(user));
  const ids = Array.from({ length: 12 }, (_, index) => `d${index}`);
  const ownerOf = (index: number) => users[index % users.length];
  const seen = (names: readonly string[]) => settings.saveLastSeen(new Map(names.map((name) => [name, now])));
  for (let round = 0; round < rounds; round++) {
    // A login updates the row, which then lies elsewhere than the rows of its neighbours.
    const order = round % 2 === 0 ? ids : ids.toReversed();
    await Promise.all(order.map((id) => {
      const index = Number(id.slice(1));
      return accounts.saveDevice(deviceRecord(id, ownerOf(index), { tokenHash: `${round} ${id}`, lastUsedAt: now }));
    }));
    const keep = { deviceId: "d0", tokenHash: `${round} kept`, expiresAt: now };
    await Promise.all([
      accounts.changePassword("ana", "next", keep),
      cleanup.removeDevices({ now, before: now + 1, limit: 12, live: { ...nobody, isDeviceOnline: () => true } }),
      ...ids.map((id) => accounts.touchDevice(id, { lastUsedAt: now, expiresAt: now })),
      clock.restamp(now - 1),
      accounts.setDisabled("ben", true),
      ...order.map((id) => accounts.logOutDevice(id)),
      accounts.changePassword("cleo", "next"),
      seen(users),
      seen(users.toReversed()),
      accounts.trimDevices("ben", { keep: 1 }),
      cleanup.removeDevices({ now, before: now, limit: 12, live: nobody }),
      ...users.map((user) => settings.saveSettings(user, { ...defaultSettings, displayName: `${user} ${round}` })),
    ]);
  }
});

Deno.test("blocks and their ends at once leave stretches that do not overlap, and one open block at most", async () => {
  await using stores = await openStores();
  const { accounts, database, settings } = stores;
  for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
  for (let round = 1; round <= rounds; round++) {
    await times(8, (index) => settings[index % 3 === 2 ? "unblock" : "block"]("ana", "ben", 10 * round + index));
    await assertNoOverlap(database);
    assert.ok((await settings.readSettings("ana")).blocked.length <= 1);
  }
});

async function assertNoOverlap(database: Database): Promise<void> {
  const blocks = await database.read<{ after: number; through: number }>(
    "SELECT after_position AS after, through_position AS through FROM block ORDER BY after_position",
  );
  for (const [index, { after }] of blocks.entries()) {
    if (index > 0) assert.ok(after >= blocks[index - 1].through, JSON.stringify(blocks));
  }
}

Deno.test("events that are added at once to the audit log are all counted", async () => {
  await using stores = await openStores();
  const { audit } = stores;
  const event = (actor: string) =>
    ({ at: now, action: "logged_in", actor, subject: "", address: "", detail: "" }) as const;
  await times(rounds, (index) => audit.add(["ana", "ben"].map(event)[index % 2 === 0 ? "slice" : "toReversed"]()));
  const listed = await audit.list({ afterId: 0, since: 0, limit: 10 });
  assert.deepEqual(Object.fromEntries(listed.map(({ actor, count }) => [actor, count])), { ana: rounds, ben: rounds });
});
