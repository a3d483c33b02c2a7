import assert from "node:assert/strict";
import type { ChatError } from "../../../src/core/chat_error.ts";
import { Database } from "../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { SqliteDeviceCleanup } from "../../../src/store/sqlite/sqlite_device_cleanup.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";
import { deviceRecord, userRecord } from "../../support/servers/stored_messages.ts";

const hour = 60 * 60 * 1000;
const now = Date.UTC(2026, 0, 1);

/** A database with a table of numbers below 10, and a count of its transactions. */
function openNumbers() {
  const folder = temporaryFolder();
  const database = Database.open(folder.path);
  database.prepare("CREATE TABLE number (value INTEGER CHECK (value < 10))").run();
  const insert = database.prepare("INSERT INTO number VALUES (?)");
  const counted = countTransactions(database);
  return {
    database,
    counted,
    write: (value: number) => database.sharedTransaction(() => Number(insert.run(value).lastInsertRowid)),
    values: () => database.prepare("SELECT value FROM number ORDER BY rowid").all().map(({ value }) => value),
    [Symbol.dispose]: () => {
      database.close();
      folder[Symbol.dispose]();
    },
  };
}

function countTransactions(database: Database): { transactions: number } {
  const counted = { transactions: 0 };
  const transaction = database.transaction.bind(database);
  database.transaction = (...call) => {
    counted.transactions++;
    return transaction(...call) as never;
  };
  return counted;
}

Deno.test("writes of one turn share a transaction, and each gets its result", async () => {
  using numbers = openNumbers();
  assert.deepEqual(await Promise.all([1, 2, 3].map(numbers.write)), [1, 2, 3]);
  assert.equal(numbers.counted.transactions, 1);
  assert.equal(await numbers.write(4), 4);
  assert.equal(numbers.counted.transactions, 2);
  assert.deepEqual(numbers.values(), [1, 2, 3, 4]);
});

Deno.test("a write that fails undoes no other", async () => {
  using numbers = openNumbers();
  const results = await Promise.allSettled([1, 99, 2].map(numbers.write));
  assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.deepEqual(numbers.values(), [1, 2]);
});

Deno.test("a full disk refuses all writes of the turn, and the next ones succeed once there is space", async () => {
  using numbers = openNumbers();
  const { database, write, values } = numbers;
  const fill = database.prepare("INSERT INTO number SELECT NULL FROM json_each(?)");
  const { page_count } = database.prepare("PRAGMA page_count").get() as { page_count: number };
  database.prepare(`PRAGMA max_page_count = ${page_count}`).get();
  const large = database.sharedTransaction(() => fill.run(JSON.stringify(Array(10_000).fill(0))));
  const results = await Promise.allSettled([write(1), large, write(2)]);
  const codes = results.map((result) => result.status === "rejected" && (result.reason as ChatError).code);
  assert.deepEqual(codes, ["storage_full", "storage_full", "storage_full"]);
  assert.deepEqual(values(), []);
  database.prepare("PRAGMA max_page_count = 1000000").get();
  await write(3);
  assert.deepEqual(values(), [3]);
});

Deno.test("closing makes the writes that wait", async () => {
  using folder = temporaryFolder();
  const database = Database.open(folder.path);
  const create = database.prepare("CREATE TABLE late (value INTEGER)");
  const written = database.sharedTransaction(() => void create.run());
  database.close();
  await written;
  using again = Database.open(folder.path);
  assert.deepEqual(again.prepare("SELECT * FROM late").all(), []);
});

Deno.test("clients that connect at once share a transaction for their consumers and last uses", async () => {
  using folder = temporaryFolder();
  using database = Database.open(folder.path);
  const [messages, accounts] = [new SqliteMessageStore(database), new SqliteAccountStore(database)];
  const cleanup = new SqliteDeviceCleanup(database);
  const devices = Array.from({ length: 20 }, (_, index) => `d${index}`);
  await accounts.addUser(userRecord("ana"));
  for (const id of devices) await accounts.saveDevice(deviceRecord(id, "ana"));
  const counted = countTransactions(database);
  const open = (usedAt: number) => (id: string) => messages.openConsumer(id, "ui", { maxConsumers: 9, usedAt });
  await Promise.all(devices.map(open(now)));
  assert.equal(counted.transactions, 1);
  await Promise.all(devices.map(open(now + hour)));
  assert.equal(counted.transactions, 1);
  const times = { lastUsedAt: now + 2 * hour, expiresAt: now + 3 * hour };
  await Promise.all([
    ...devices.map(open(now + 2 * hour)),
    ...devices.map((id) => accounts.touchDevice(id, times)),
    ...devices.map((id) => cleanup.noteUse(id, "ui", now + 2 * hour)),
  ]);
  assert.equal(counted.transactions, 2);
  assert.equal((await accounts.findDevice("d7"))?.lastUsedAt, times.lastUsedAt);
});
