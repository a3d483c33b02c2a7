import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Database, databasePath } from "../../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../../src/store/sqlite/sqlite_account_store.ts";
import { PlainWriter } from "../../../../src/store/sqlite/writer/plain_writer.ts";
import { WriterThread } from "../../../../src/store/sqlite/writer/writer_thread.ts";
import { temporaryFolder } from "../../../support/checks/temporary_folder.ts";
import { workerEntry } from "../../../support/processes/worker_entry.ts";
import { plainBatch, plainMessage } from "../../../support/servers/plain_batches.ts";
import { accept, directAppend, userRecord, wholeLog } from "../../../support/servers/stored_messages.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const page = { limit: 100, maxBytes: 1_000_000 };

/** The pages of a user, which end at the head. */
async function readings(messages: SqliteMessageStore, user: string) {
  const { conversations } = await messages.conversationsOf(user, { beforePosition: 0, ...page });
  return {
    head: messages.head,
    after: await messages.messagesAfter(user, 0, page),
    afterOne: await messages.messagesAfter(user, 1, { ...page, limit: 1 }),
    newest: await messages.history(user, "ana:ben", { ...wholeLog, ...page }),
    next: await messages.history(user, "ana:ben", { ...wholeLog, ...page, afterSeq: 1 }),
    since: await messages.history(user, "ana:ben", { ...wholeLog, ...page, fromMs: 1 }),
    conversations,
    conversation: await messages.conversationOf(user, "ana:ben"),
  };
}

Deno.test("pages end at the head that the store knows, although its thread has committed more", async () => {
  using folder = temporaryFolder();
  using database = Database.open(folder.path);
  const path = databasePath(folder.path);
  const onDied = (error: Error) => {
    throw error;
  };
  using thread = new WriterThread({ path, entry: workerEntry, onNotStarted: onDied, onDied });
  const messages = new SqliteMessageStore(database, {
    writer: new PlainWriter(database, { startThread: () => thread, maxDirect: 0 }),
  });
  const accounts = new SqliteAccountStore(database);
  for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
  for (const text of ["1", "2"]) await accept(messages, directAppend("ana", "ben", { text }));
  await eventually(() => thread.isReady);
  const before = { ana: await readings(messages, "ana"), ben: await readings(messages, "ben") };
  const stored = messages.commitPlain(plainBatch([plainMessage("ana", "ben", { text: "3" })]));
  using other = new DatabaseSync(path, { readOnly: true });
  const count = other.prepare("SELECT count(*) AS count FROM entry");
  // In this turn of the event loop, the store does not learn of the answer.
  while (count.get()!.count === 2);
  assert.deepEqual({ ana: await readings(messages, "ana"), ben: await readings(messages, "ben") }, before);
  assert.equal(await stored, true);
  assert.equal((await readings(messages, "ben")).after.messages.length, 3);
});
