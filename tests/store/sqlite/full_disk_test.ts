import assert from "node:assert/strict";
import { ChatError } from "../../../src/core/chat_error.ts";
import type { Append, MessageStore } from "../../../src/core/messages/message_store.ts";
import { Database } from "../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import {
  accept,
  acceptedMessage,
  deviceRecord,
  directAppend,
  userRecord,
  wholeLog,
} from "../../support/servers/stored_messages.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

/** Limits the growth of the database to `pages` of 4 KiB. */
function leaveRoom(database: Database, pages: number): void {
  const { page_count } = database.prepare("PRAGMA page_count").get() as { page_count: number };
  database.prepare(`PRAGMA max_page_count = ${page_count + pages}`).get();
}

function isStorageFull(error: unknown): boolean {
  return error instanceof ChatError && error.code === "storage_full" && error.message.includes("disk is full");
}

function largeAppends(count: number): Append[] {
  return Array.from({ length: count }, () => directAppend("ana", "ben", { text: "x".repeat(8_000) }));
}

async function texts(store: MessageStore): Promise<string[]> {
  const { messages } = await store.messagesAfter("ana", 0, { limit: 1_000, maxBytes: 1_000_000 });
  return messages.map(({ conversation, seq, text }) => `${conversation} ${seq} ${text.length}`);
}

async function openFull(
  run: (database: Database, messages: SqliteMessageStore, accounts: SqliteAccountStore) => Promise<void>,
) {
  using folder = temporaryFolder();
  using database = Database.open(folder.path);
  const messages = new SqliteMessageStore(database);
  const accounts = new SqliteAccountStore(database);
  for (const user of ["ana", "ben", "cleo"]) await accounts.addUser(userRecord(user));
  await accounts.saveDevice(deviceRecord("d1", "ana"));
  await accept(messages, directAppend("ana", "ben"));
  leaveRoom(database, 8);
  await run(database, messages, accounts);
}

Deno.test("a commit that fills the disk is refused as a whole, and succeeds once there is space", async () => {
  await openFull(async (database, messages) => {
    const appends = [directAppend("ana", "cleo"), ...largeAppends(10)];
    await assert.rejects(messages.commit(appends), isStorageFull);
    assert.equal(messages.head, 1);
    assert.deepEqual(await texts(messages), ["ana:ben 1 5"]);
    assert.deepEqual(await messages.peersAmong("cleo", new Set(["ana", "ben"])), []);

    assert.equal((await accept(messages, directAppend("ben", "ana"))).seq, 2);
    await assert.rejects(messages.commit(appends), isStorageFull);
    leaveRoom(database, 100);
    const seqs = (await messages.commit(appends)).map(acceptedMessage).map(({ position, seq }) => [position, seq]);
    assert.deepEqual(seqs, [[3, 1], ...Array.from({ length: 10 }, (_, index) => [4 + index, 3 + index])]);
  });
});

Deno.test("a commit that fills the disk is undone completely, even after one of its changes failed", async () => {
  await openFull(async (database, messages) => {
    const appends = [directAppend("ana", "cleo"), directAppend("unknown", "ana"), ...largeAppends(10)];
    await assert.rejects(messages.commit(appends), isStorageFull);
    assert.equal(messages.head, 1);
    assert.deepEqual(await texts(messages), ["ana:ben 1 5"]);
    leaveRoom(database, 100);
    const kinds = (await messages.commit(appends)).map(({ kind }) => kind);
    assert.deepEqual(kinds, ["accepted", "failed", ...Array(10).fill("accepted")]);
    assert.equal(messages.head, 12);
  });
});

Deno.test("a full disk allows reads, and makes account changes fail with storage_full", async () => {
  await openFull(async (database, messages, accounts) => {
    leaveRoom(database, 0);
    await assert.rejects(messages.commit(largeAppends(1)), isStorageFull);
    const large = userRecord("dan", { passwordHash: "x".repeat(8_000) });
    await assert.rejects(accounts.addUser(large), isStorageFull);
    await assert.rejects(messages.openConsumer("d1", "x".repeat(8_000), { maxConsumers: 1 }), isStorageFull);
    assert.equal(await accounts.findUser("dan"), undefined);
    assert.equal((await messages.history("ana", "ana:ben", { ...wholeLog, limit: 1, maxBytes: 100 }))?.headSeq, 1);
    leaveRoom(database, 100);
    assert.equal(await accounts.addUser(large), "added");
  });
});
