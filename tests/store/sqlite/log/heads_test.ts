import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Log, silentLog } from "../../../../src/core/log.ts";
import { Database, databasePath, migrate } from "../../../../src/store/sqlite/database.ts";
import { HeadsWriter } from "../../../../src/store/sqlite/log/heads_writer.ts";
import { SqliteMessageStore } from "../../../../src/store/sqlite/log/sqlite_message_store.ts";
import { migrations } from "../../../../src/store/sqlite/migrations.ts";
import { SqliteAccountStore } from "../../../../src/store/sqlite/sqlite_account_store.ts";
import { SqliteRoomStore } from "../../../../src/store/sqlite/sqlite_room_store.ts";
import { temporaryFolder } from "../../../support/checks/temporary_folder.ts";
import { accept, directAppend, userRecord } from "../../../support/servers/stored_messages.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const pageBytes = 4096;
const frameHeaderBytes = 24;
const users = Array.from({ length: 40 }, (_, number) => `user${number}`);
const atOnce = { delayMs: 1, retryMs: 1 };

async function openStore(folder: string, options: Parameters<typeof Database.open>[1] = {}) {
  const database = Database.open(folder, options);
  const accounts = new SqliteAccountStore(database);
  for (const user of users) await accounts.addUser(userRecord(user));
  return { database, messages: new SqliteMessageStore(database), [Symbol.dispose]: () => database.close() };
}

/** The head of the conversation of the first two users in its columns, as another process reads it. */
function writtenHead(folder: string): unknown {
  using connection = new DatabaseSync(databasePath(folder), { readOnly: true });
  return Object.values(
    connection.prepare(
      `SELECT c.head_seq, c.head_position, min(m.head_position), max(m.head_position), (SELECT heads_through FROM log)
       FROM conversation c JOIN member m ON m.conversation = c.id WHERE c.name = 'user0:user1'`,
    ).get()!,
  );
}

/** Makes writing heads fail until the trigger is dropped. */
function breakWriting(database: Database): void {
  database.prepare(
    "CREATE TEMP TRIGGER broken BEFORE UPDATE ON main.conversation BEGIN SELECT RAISE(ABORT, 'broken'); END",
  ).run();
}

Deno.test("a lone message writes the pages of its entry and of its two keys", async () => {
  using folder = temporaryFolder();
  using store = await openStore(folder.path);
  const { database, messages } = store;
  await accept(messages, directAppend(users[0], users[1]));
  database.writeHeads();
  database.truncateLog();
  const count = 200;
  for (let sent = 0; sent < count; sent++) await accept(messages, directAppend(users[sent % 2], users[1 - sent % 2]));
  const pages = database.logBytes / (pageBytes + frameHeaderBytes);
  // A full page is split now and then.
  assert.ok(pages < 3.2 * count, `${pages} pages for ${count} messages`);
});

Deno.test("a list of conversations continues behind those that moved since their heads were written", async () => {
  using folder = temporaryFolder();
  using store = await openStore(folder.path);
  const { database, messages } = store;
  const peers = users.slice(1, 9);
  for (const peer of peers) await accept(messages, directAppend(peer, users[0]));
  database.writeHeads();
  const moved = peers.slice(-4);
  for (const peer of moved) await accept(messages, directAppend(peer, users[0]));
  const listed: string[] = [];
  let page = { conversations: [{ position: 0 }], more: true };
  while (page.more) {
    const beforePosition = page.conversations.at(-1)!.position;
    const next = await messages.conversationsOf(users[0], { beforePosition, limit: 1, maxBytes: 1_000 });
    listed.push(...next.conversations.map(({ conversation }) => conversation));
    page = { ...next, conversations: [...next.conversations] };
  }
  assert.deepEqual(listed, peers.toReversed().map((peer) => `${users[0]}:${peer}`));
});

Deno.test("HeadsWriter writes heads after commits, and those that an earlier process left", async () => {
  using folder = temporaryFolder();
  using store = await openStore(folder.path);
  const { database, messages } = store;
  await accept(messages, directAppend(users[0], users[1]));
  assert.deepEqual(writtenHead(folder.path), [0, 0, 0, 0, 0]);
  using _writer = new HeadsWriter({ database, log: silentLog, timing: atOnce });
  await eventually(() => database.heads.unwritten === 0);
  assert.deepEqual(writtenHead(folder.path), [1, 1, 1, 1, 1]);
  await accept(messages, directAppend(users[2], users[3]));
  await accept(messages, directAppend(users[1], users[0]));
  await eventually(() => database.heads.unwritten === 0);
  assert.deepEqual(writtenHead(folder.path), [2, 3, 3, 3, 3]);
});

Deno.test("HeadsWriter logs a failure and tries again", async () => {
  using folder = temporaryFolder();
  using store = await openStore(folder.path);
  const { database, messages } = store;
  breakWriting(database);
  const errors: string[] = [];
  const log: Log = { ...silentLog, error: (event) => errors.push(event) };
  using _writer = new HeadsWriter({ database, log, timing: atOnce });
  await accept(messages, directAppend(users[0], users[1]));
  await eventually(() => errors.length > 1);
  assert.equal(errors[0], "cannot write the heads of conversations");
  assert.equal((await messages.conversationOf(users[0], "user0:user1"))?.headSeq, 1);
  database.prepare("DROP TRIGGER broken").run();
  await eventually(() => database.heads.unwritten === 0);
  assert.deepEqual(writtenHead(folder.path), [1, 1, 1, 1, 1]);
});

Deno.test("commits write the oldest heads themselves when too many are unwritten", async () => {
  using folder = temporaryFolder();
  using store = await openStore(folder.path, { maxUnwritten: 8 });
  const { database, messages } = store;
  for (let number = 0; number < users.length - 1; number++) {
    await accept(messages, directAppend(users[number], users[number + 1]));
    assert.ok(database.heads.unwritten <= 8);
  }
  const [, position, , , through] = writtenHead(folder.path) as number[];
  assert.equal(position, 1);
  assert.equal(through, messages.head - database.heads.unwritten);
});

Deno.test("heads are written at the latest after a number of entries", async () => {
  using folder = temporaryFolder();
  using store = await openStore(folder.path, { maxBehind: 20 });
  for (let sent = 0; sent < 50; sent++) await accept(store.messages, directAppend(users[0], users[1]));
  assert.deepEqual(writtenHead(folder.path), [40, 40, 40, 40, 40]);
});

Deno.test("closing the store writes all heads", async () => {
  using folder = temporaryFolder();
  const { database, messages } = await openStore(folder.path);
  await accept(messages, directAppend(users[0], users[1]));
  database.close();
  assert.deepEqual(writtenHead(folder.path), [1, 1, 1, 1, 1]);
});

Deno.test("closing succeeds if heads cannot be written, and the next opening reads them from the entries", async () => {
  using folder = temporaryFolder();
  const { database, messages } = await openStore(folder.path);
  await accept(messages, directAppend(users[0], users[1]));
  breakWriting(database);
  database.close();
  assert.deepEqual(writtenHead(folder.path), [0, 0, 0, 0, 0]);
  using reopened = Database.open(folder.path);
  assert.equal(reopened.heads.head, 1);
  assert.equal((await accept(new SqliteMessageStore(reopened), directAppend(users[0], users[1]))).seq, 2);
});

Deno.test("the migration from version 12 tells rooms from direct conversations", async () => {
  using folder = temporaryFolder();
  const connection = new DatabaseSync(databasePath(folder.path));
  connection.function("searchable_text", () => "");
  connection.function("search_scope", () => "");
  migrate(connection, "test", migrations.slice(0, 12));
  const room = "+" + "r".repeat(26);
  const open = "9007199254740991, 9007199254740991";
  connection.exec(`
    INSERT INTO user (id, name, password_hash, disabled, created_at) VALUES (1, 'ana', '', 0, 1), (2, 'ben', '', 0, 1);
    INSERT INTO conversation (id, name, head_seq, head_position) VALUES (1, 'ana:ben', 1, 2), (2, '${room}', 5, 9);
    INSERT INTO room VALUES (2, 'ops', x'', 1, 1, 1, 1, 1);
    INSERT INTO member (conversation, user, role, head_position) VALUES (1, 1, 1, 2), (1, 2, 1, 2), (2, 1, 3, 0);
    INSERT INTO span VALUES (1, 1, 1, ${open}, 0), (2, 1, 1, ${open}, 0), (1, 2, 1, ${open}, 1);
    INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text)
      VALUES (2, 1, 1, 1, randomblob(16), 1, x'61');
  `);
  connection.close();
  using database = Database.open(folder.path);
  const messages = new SqliteMessageStore(database);
  assert.deepEqual(await new SqliteRoomStore(database).roomsOf("ana"), [room]);
  const { conversations } = await messages.conversationsOf("ana", { beforePosition: 0, limit: 9, maxBytes: 1_000 });
  assert.deepEqual(conversations.map(({ conversation, headSeq }) => [conversation, headSeq]), [[room, 5], [
    "ana:ben",
    1,
  ]]);
  assert.deepEqual(await messages.peersAmong("ana", new Set(["ben"])), ["ben"]);
  // The newest entries were removed before, and their positions are not used again.
  assert.equal((await accept(messages, directAppend("ana", "ben"))).position, 10);
});
