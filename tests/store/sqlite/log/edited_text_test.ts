import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Database, migrate } from "../../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../../src/store/sqlite/log/sqlite_message_store.ts";
import { migrations } from "../../../../src/store/sqlite/migrations.ts";
import { accept, directAppend, entryAppend, userRecord, wholeLog } from "../../../support/servers/stored_messages.ts";
import { temporaryFolder } from "../../../support/checks/temporary_folder.ts";
import { TestStore } from "../../../support/servers/test_store.ts";

const limits = { limit: 100, maxBytes: 1_000_000 };
const talk = "ana:ben";

function edit(target: number, text: string) {
  return entryAppend(talk, "ana", { event: { kind: "edited", target }, text });
}

Deno.test("a text whose edit is missing is withheld", async () => {
  const database = Database.openInMemory();
  using store = TestStore.open(database);
  for (const user of ["ana", "ben"]) await store.accounts.addUser(userRecord(user));
  await accept(store.messages, directAppend("ana", "ben", { text: "plain" }));
  await accept(store.messages, edit(1, "edited"));
  assert.equal((await store.messages.entry("ben", talk, 1))!.text, "edited");
  database.prepare("DELETE FROM entry WHERE seq = 2").run();
  const { text, withheld } = (await store.messages.entry("ben", talk, 1))!;
  assert.deepEqual([text, withheld], ["", true]);
});

Deno.test("the migration from version 8 stores the newest edit of each message", async () => {
  using folder = temporaryFolder();
  const connection = new DatabaseSync(`${folder.path}/chatd.sqlite`);
  connection.function("searchable_text", () => "");
  connection.function("search_scope", () => "");
  migrate(connection, "test", migrations.slice(0, 8));
  const span = "9007199254740991, 9007199254740991, 0";
  connection.exec(`
    INSERT INTO user (id, name, password_hash, disabled, created_at) VALUES (1, 'ana', '', 0, 1), (2, 'ben', '', 0, 1);
    INSERT INTO conversation (id, name, head_seq, head_position) VALUES (1, 'ana:ben', 6, 6);
    INSERT INTO member (conversation, user, head_position) VALUES (1, 1, 6), (1, 2, 6);
    INSERT INTO span VALUES (1, 1, 1, ${span}), (2, 1, 1, ${span});
    INSERT INTO block VALUES (2, 1, 4, 5);
    INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text, kind, target, edited_at) VALUES
      (1, 1, 1, 1, randomblob(16), 1, x'61', 0, NULL, 5), (2, 1, 2, 1, randomblob(16), 1, x'62', 0, NULL, 6),
      (3, 1, 3, 1, randomblob(16), 1, x'63', 0, NULL, 6), (4, 1, 4, 1, randomblob(16), 4, x'', 1, 1, NULL),
      (5, 1, 5, 1, randomblob(16), 5, x'', 1, 1, NULL), (6, 1, 6, 1, randomblob(16), 6, x'', 1, 2, NULL);
  `);
  connection.close();
  using database = Database.open(folder.path);
  const messages = new SqliteMessageStore(database);
  const page = (await messages.history("ben", talk, { ...wholeLog, ...limits }))!;
  // The author of the newest edit of 1 was blocked; the newest edit of 3 is missing.
  assert.deepEqual(page.messages.map(({ text, withheld }) => [text, withheld]), [["", true], ["b", undefined], [
    "",
    true,
  ]]);
});

Deno.test("the migration from version 13 keeps mentions, and takes deleted messages off the unread ones", async () => {
  using folder = temporaryFolder();
  const connection = new DatabaseSync(`${folder.path}/chatd.sqlite`);
  connection.function("searchable_text", () => "");
  connection.function("search_scope", () => "");
  migrate(connection, "test", migrations.slice(0, 13));
  const span = "9007199254740991, 9007199254740991, 0";
  connection.exec(`
    INSERT INTO user (id, name, password_hash, disabled, created_at) VALUES (1, 'ana', '', 0, 1), (2, 'ben', '', 0, 1);
    INSERT INTO conversation (id, name, head_seq, head_position) VALUES (1, 'ana:ben', 3, 3);
    INSERT INTO member (conversation, user, head_position) VALUES (1, 1, 3), (1, 2, 3);
    INSERT INTO span VALUES (1, 1, 1, ${span}), (2, 1, 1, ${span});
    INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text, deleted) VALUES
      (1, 1, 1, 1, randomblob(16), 1, x'61', 0), (2, 1, 2, 1, randomblob(16), 1, x'', 1),
      (3, 1, 3, 1, randomblob(16), 1, x'63', 0);
    INSERT INTO mention VALUES (2, 1, 1), (2, 1, 3);
    UPDATE log SET heads_through = 3;
  `);
  connection.close();
  using database = Database.open(folder.path);
  const messages = new SqliteMessageStore(database);
  const { unread, mentions } = (await messages.conversationOf("ben", talk))!;
  assert.deepEqual([unread, mentions], [2, 2]);
  await accept(messages, edit(3, "without a name"));
  assert.equal((await messages.conversationOf("ben", talk))!.mentions, 1);
});
