import assert from "node:assert/strict";
import { createMessageId } from "../../../../src/core/messages/message_id.ts";
import { Database } from "../../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../../src/store/sqlite/sqlite_account_store.ts";
import { SqliteDeviceCleanup } from "../../../../src/store/sqlite/sqlite_device_cleanup.ts";
import { accept, deviceRecord, directAppend, userRecord } from "../../../support/servers/stored_messages.ts";
import { temporaryFolder } from "../../../support/checks/temporary_folder.ts";

const hour = 60 * 60 * 1000;
const now = Date.UTC(2026, 0, 1);
const live = { isDeviceOnline: () => false, isConsumerOnline: () => false };

async function openDevice() {
  const folder = temporaryFolder();
  const database = Database.open(folder.path);
  const messages = new SqliteMessageStore(database);
  const accounts = new SqliteAccountStore(database);
  for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
  await accounts.saveDevice(deviceRecord("d1", "ana"));
  const cleanup = new SqliteDeviceCleanup(database);
  return {
    database,
    messages,
    open: (name: string, usedAt: number) => messages.openConsumer("d1", name, { maxConsumers: 9, usedAt }),
    removeUnusedSince: (before: number) => cleanup.removeConsumers({ now, before, limit: 9, live }),
    [Symbol.dispose]: () => {
      database.close();
      folder[Symbol.dispose]();
    },
  };
}

Deno.test("openConsumer() records the use of new and known consumers once an hour", async () => {
  using device = await openDevice();
  for (const name of ["once", "soon", "late"]) await device.open(name, now);
  await device.open("soon", now + hour);
  await device.open("late", now + hour + 1);
  assert.equal(await device.removeUnusedSince(now), 0);
  assert.equal(await device.removeUnusedSince(now + 1), 2);
  assert.equal(await device.removeUnusedSince(now + hour + 1), 0);
  assert.equal(await device.removeUnusedSince(now + hour + 2), 1);
});

Deno.test("openConsumer() opens a known consumer on a full disk without recording its use", async () => {
  using device = await openDevice();
  await device.open("ui", now);
  device.database.prepare("CREATE TABLE ballast (bytes BLOB)").run();
  device.database.prepare(
    "CREATE TRIGGER full BEFORE UPDATE ON consumer BEGIN INSERT INTO ballast VALUES (zeroblob(1000000)); END",
  ).run();
  const { page_count } = device.database.prepare("PRAGMA page_count").get() as { page_count: number };
  device.database.prepare(`PRAGMA max_page_count = ${page_count}`).get();
  assert.equal(await device.open("ui", now + 2 * hour), 0);
});

Deno.test("openConsumer() starts a new consumer where the log parted from another, and keeps the cursor of a known one", async () => {
  using device = await openDevice();
  const { messages } = device;
  messages.beginIncarnation();
  for (let i = 0; i < 3; i++) await accept(messages, directAppend("ben", "ana"));
  const open = (name: string, at: number, partedFrom?: string) =>
    messages.openConsumer("d1", name, { maxConsumers: 9, start: { at, partedFrom } });
  assert.equal(await open("plain", 2), 2);
  assert.equal(await open("parted", 2, createMessageId()), 0);
  assert.equal(await open("unknown", 2, ""), 0);
  assert.equal(await open("plain", 1, ""), 2);
});
