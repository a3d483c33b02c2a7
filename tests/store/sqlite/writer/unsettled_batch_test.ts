import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Database, databasePath } from "../../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../../src/store/sqlite/sqlite_account_store.ts";
import { temporaryFolder } from "../../../support/checks/temporary_folder.ts";
import { accept, directAppend, userRecord, wholeLog } from "../../../support/servers/stored_messages.ts";

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
  const messages = new SqliteMessageStore(database);
  const accounts = new SqliteAccountStore(database);
  for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
  for (const text of ["1", "2"]) await accept(messages, directAppend("ana", "ben", { text }));
  const before = { ana: await readings(messages, "ana"), ben: await readings(messages, "ben") };
  // As the thread does before the store learns of the answer.
  using other = new DatabaseSync(databasePath(folder.path));
  other.exec(
    `INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text, uncounted)
     SELECT 3, conversation, 3, sender, randomblob(16), accepted_at, text, uncounted FROM entry WHERE position = 2`,
  );
  assert.deepEqual({ ana: await readings(messages, "ana"), ben: await readings(messages, "ben") }, before);
  database.heads.move([{ id: 1, isRoom: false, headSeq: 3, headPosition: 3, uncounted: 0 }], 3);
  const { after, newest, conversation } = await readings(messages, "ben");
  assert.deepEqual([after.messages.length, newest?.headSeq, conversation?.headSeq], [3, 3, 3]);
});
