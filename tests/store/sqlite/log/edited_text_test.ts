import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { parseSearchQuery } from "../../../../src/core/search/search_query.ts";
import { Database, migrate } from "../../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../../src/store/sqlite/log/sqlite_message_store.ts";
import { migrations } from "../../../../src/store/sqlite/migrations.ts";
import { accept, directAppend, entryAppend, userRecord, wholeLog } from "../../../support/servers/stored_messages.ts";
import { temporaryFolder } from "../../../support/checks/temporary_folder.ts";
import { TestMessageStore, TestStore } from "../../../support/servers/test_store.ts";

const limits = { limit: 100, maxBytes: 1_000_000 };
const room = "+" + "o".repeat(26);
const talk = "ana:ben";

async function openStore(): Promise<TestStore> {
  const store = TestStore.open();
  for (const user of ["ana", "ben", "cleo"]) await store.accounts.addUser(userRecord(user));
  return store;
}

/** A room of ana with ben as a member when she sends message 3, "plain". */
async function openRoom(store: TestStore, { historyVisible = false } = {}): Promise<void> {
  const event = { kind: "room_created", isPublic: true, historyVisible } as const;
  await accept(store.messages, entryAppend(room, "ana", { event, text: "ops" }));
  await accept(store.messages, entryAppend(room, "ben", { event: { kind: "joined" } }));
  await accept(store.messages, entryAppend(room, "ana", { text: "plain" }));
}

function edit(conversation: string, target: number, text: string, mentions?: string[]) {
  return entryAppend(conversation, "ana", { event: { kind: "edited", target }, text, mentions });
}

/** Returns the text of a message, and checks that all ways of reading it agree; undefined if it is withheld. */
async function textFor(store: TestStore, user: string, conversation: string, seq: number): Promise<string | undefined> {
  const { messages } = store;
  const entry = (await messages.entry(user, conversation, seq))!;
  const { messages: delivered } = await messages.messagesAfter(user, 0, limits);
  const page = (await messages.history(user, conversation, { ...wholeLog, ...limits }))!;
  for (const all of [delivered, page.messages]) {
    const same = all.find((each) => each.conversation === conversation && each.seq === seq)!;
    assert.deepEqual([same.text, same.withheld], [entry.text, entry.withheld]);
  }
  const { last } = (await messages.conversationOf(user, conversation))!;
  if (last?.seq === seq) assert.deepEqual([last.text, last.withheld], [entry.text, entry.withheld]);
  if (entry.withheld) assert.equal(entry.text, "");
  return entry.withheld ? undefined : entry.text;
}

async function find(store: TestStore, user: string, words: string): Promise<readonly number[]> {
  const { terms, excluded } = parseSearchQuery(words);
  return (await store.search.find({ user, terms, excluded, beforePosition: 0, limit: 100 })).positions;
}

for (const how of ["left", "removed", "banned"] as const) {
  Deno.test(`a member who ${how === "left" ? how : `was ${how}`} does not read later edits`, async () => {
    using store = await openStore();
    await openRoom(store);
    const event = how === "left"
      ? { kind: "left" } as const
      : { kind: "removed", user: "ben", banned: how === "banned" } as const;
    await accept(store.messages, entryAppend(room, how === "left" ? "ben" : "ana", { event }));
    assert.equal(await textFor(store, "ben", room, 3), "plain");
    await accept(store.messages, edit(room, 3, "secret for @ben", ["ben"]));
    assert.equal(await textFor(store, "ben", room, 3), undefined);
    assert.equal(await textFor(store, "ana", room, 3), "secret for @ben");
    assert.deepEqual([await find(store, "ben", "secret"), await find(store, "ana", "secret")], [[], [3]]);
    assert.deepEqual((await store.messages.messagesAt("ben", [3], limits)).messages, []);
    assert.equal((await store.messages.conversationOf("ben", room))!.mentions, 0);
  });
}

Deno.test("a member who rejoins reads new edits, and earlier ones only if the room shows history", async () => {
  for (const historyVisible of [false, true]) {
    using store = await openStore();
    await openRoom(store, { historyVisible });
    await accept(store.messages, entryAppend(room, "ben", { event: { kind: "left" } }));
    await accept(store.messages, edit(room, 3, "between"));
    await accept(store.messages, entryAppend(room, "ben", { event: { kind: "joined" } }));
    assert.equal(await textFor(store, "ben", room, 3), historyVisible ? "between" : undefined);
    await accept(store.messages, edit(room, 3, "after"));
    assert.equal(await textFor(store, "ben", room, 3), "after");
  }
});

Deno.test("an edit by a blocked author is withheld, not counted as a mention and not found, even after the block", async () => {
  using store = await openStore();
  await accept(store.messages, directAppend("ana", "ben", { text: "plain" }));
  await store.settings.block("ben", "ana", store.messages.head);
  await accept(store.messages, edit(talk, 1, "insult for @ben", ["ben"]));
  const check = async () => {
    assert.equal(await textFor(store, "ben", talk, 1), undefined);
    assert.deepEqual(await find(store, "ben", "insult"), []);
    const { unread, mentions } = (await store.messages.conversationOf("ben", talk))!;
    assert.deepEqual([unread, mentions], [1, 0]);
  };
  await check();
  await store.settings.unblock("ben", "ana", store.messages.head);
  await check();
  await accept(store.messages, edit(talk, 1, "sorry, @ben", ["ben"]));
  assert.equal(await textFor(store, "ben", talk, 1), "sorry, @ben");
  assert.equal((await store.messages.conversationOf("ben", talk))!.mentions, 1);
});

Deno.test("an edit does not reveal the text of a later edit", async () => {
  using store = await openStore();
  await openRoom(store);
  await accept(store.messages, edit(room, 3, "seen"));
  await accept(store.messages, entryAppend(room, "ben", { event: { kind: "left" } }));
  assert.equal((await store.messages.entry("ben", room, 4))!.text, "seen");
  await accept(store.messages, edit(room, 3, "secret"));
  const earlier = (await store.messages.entry("ben", room, 4))!;
  assert.deepEqual([earlier.text, earlier.withheld], ["", true]);
  assert.equal((await store.messages.entry("ana", room, 4))!.withheld, true);
});

Deno.test("a message that is deleted after a hidden edit is shown as deleted to every reader", async () => {
  using store = await openStore();
  await openRoom(store);
  await accept(store.messages, entryAppend(room, "ben", { event: { kind: "left" } }));
  await accept(store.messages, edit(room, 3, "secret"));
  await accept(store.messages, entryAppend(room, "ana", { event: { kind: "deleted", target: 3 } }));
  const { deleted, withheld, text } = (await store.messages.entry("ben", room, 3))!;
  assert.deepEqual([deleted, withheld, text], [true, undefined, ""]);
});

Deno.test("reactions made outside a reader's stays are not counted for that reader", async () => {
  using store = await openStore();
  await openRoom(store);
  const react = async (user: string, emoji: string) => {
    await accept(
      store.messages,
      entryAppend(room, user, { event: { kind: "reacted", target: 3, emoji, removed: false } }),
    );
  };
  const seenBy = async (user: string) => {
    const page = (await store.messages.history(user, room, { ...wholeLog, ...limits }))!;
    return page.messages.find(({ seq }) => seq === 3)!.reactions?.map(({ emoji, count }) => `${emoji} ${count}`);
  };
  await react("ben", "👍");
  await accept(store.messages, entryAppend(room, "ben", { event: { kind: "left" } }));
  await react("ana", "👍");
  await react("ana", "🎉");
  assert.deepEqual(await seenBy("ben"), ["👍 1"]);
  await accept(store.messages, entryAppend(room, "ben", { event: { kind: "joined" } }));
  await react("ben", "😀");
  assert.deepEqual(await seenBy("ben"), ["👍 1", "😀 1"]);
  assert.deepEqual(await seenBy("ana"), ["👍 2", "🎉 1", "😀 1"]);
});

Deno.test("a text whose edit is missing is withheld", async () => {
  let removeEdit = () => {};
  using store = TestStore.openWith((database) => {
    removeEdit = () => void database.prepare("DELETE FROM entry WHERE seq = 2").run();
    return new TestMessageStore(database);
  });
  for (const user of ["ana", "ben"]) await store.accounts.addUser(userRecord(user));
  await accept(store.messages, directAppend("ana", "ben", { text: "plain" }));
  await accept(store.messages, edit(talk, 1, "edited"));
  assert.equal((await store.messages.entry("ben", talk, 1))!.text, "edited");
  removeEdit();
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
  await accept(messages, edit(talk, 3, "without a name"));
  assert.equal((await messages.conversationOf("ben", talk))!.mentions, 1);
});
