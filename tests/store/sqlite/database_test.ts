import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { ChatError } from "../../../src/core/chat_error.ts";
import { openStore } from "../../../src/store/open_store.ts";
import { defaultSettings } from "../../../src/core/people/settings_store.ts";
import { Database, migrate } from "../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { addMigrationFunctions } from "../../../src/store/sqlite/migration_functions.ts";
import { migrations } from "../../../src/store/sqlite/migrations.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { accept, directAppend, entryAppend, userRecord, wholeLog } from "../../support/servers/stored_messages.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

function refusal(folder: string): ChatError {
  try {
    openStore({ folder }).close();
  } catch (error) {
    if (error instanceof ChatError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: "The store opened" });
}

function editDatabase(folder: string, sql: string): void {
  const connection = new DatabaseSync(`${folder}/chatd.sqlite`);
  connection.exec(sql);
  connection.close();
}

Deno.test("the steps that databases have taken do not change, so a backup has the triggers that restore expects", () => {
  // The steps of the last published version.
  const published = { steps: 19, sha256: "8acb4a96a79dd0c494b9b31d4e1eb6f0643e04f2c57727fdb26508831016f371" };
  const steps = migrations.slice(0, published.steps).join("\0");
  assert.equal(createHash("sha256").update(steps).digest("hex"), published.sha256);
});

Deno.test("a reopened store has its log, epoch and accounts", async () => {
  using folder = temporaryFolder();
  const first = openStore({ folder: folder.path });
  await first.accounts.addUser(userRecord("ana"));
  await first.accounts.addUser(userRecord("ben"));
  const message = await accept(first.messages, directAppend("ana", "ben"));
  const { epoch } = first.messages;
  first.close();
  first.close();
  await assert.rejects(first.accounts.findUser("ana"));

  using second = openStore({ folder: folder.path });
  assert.equal(second.messages.epoch, epoch);
  assert.equal(second.messages.head, message.position);
  assert.deepEqual(await second.accounts.findUser("ana"), userRecord("ana"));
  const next = await accept(second.messages, directAppend("ben", "ana"));
  assert.deepEqual([next.seq, next.position > message.position], [2, true]);
});

Deno.test("numbering continues after all messages of a conversation were removed", async () => {
  using folder = temporaryFolder();
  const before = openStore({ folder: folder.path });
  for (const user of ["ana", "ben"]) await before.accounts.addUser(userRecord(user));
  const { position } = await accept(before.messages, directAppend("ana", "ben"));
  before.close();
  {
    using database = Database.open(folder.path);
    database.prepare("DELETE FROM entry").run();
    database.prepare("UPDATE conversation SET first_seq = 2").run();
  }
  using after = openStore({ folder: folder.path });
  assert.equal(after.messages.head, position);
  assert.deepEqual(await after.messages.messagesAfter("ana", 0, { limit: 10, maxBytes: 100 }), {
    messages: [],
    through: position,
  });
  const page = await after.messages.history("ana", "ana:ben", { ...wholeLog, limit: 10, maxBytes: 100 });
  const range = { firstSeq: 0, lastSeq: 0, headSeq: 1, startSeq: 0 };
  assert.deepEqual(page, { messages: [], ...range, more: false, moreAfter: false });
  const summary = await after.messages.conversationOf("ben", "ana:ben");
  assert.deepEqual([summary?.headSeq, summary?.last, summary?.unread], [1, undefined, 0]);
  const next = await accept(after.messages, directAppend("ana", "ben"));
  assert.deepEqual([next.seq, next.position], [2, position + 1]);
});

Deno.test("each new store has another epoch", () => {
  using one = temporaryFolder();
  using other = temporaryFolder();
  using first = openStore({ folder: one.path });
  using second = openStore({ folder: other.path });
  assert.notEqual(first.messages.epoch, second.messages.epoch);
});

Deno.test("only their owner can read the files of a store", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/new/data`;
  using store = openStore({ folder: path });
  await store.accounts.addUser(userRecord("ana"));
  assert.equal(Deno.statSync(path).mode! & 0o777, 0o700);
  const files = [...Deno.readDirSync(path)].map(({ name }) => name).sort();
  assert.deepEqual(files, ["chatd.sqlite", "chatd.sqlite-shm", "chatd.sqlite-wal"]);
  for (const file of files) assert.equal(Deno.statSync(`${path}/${file}`).mode! & 0o777, 0o600);
});

Deno.test("commits are durable, and references are checked", () => {
  using folder = temporaryFolder();
  using database = Database.open(folder.path);
  const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0];
  assert.deepEqual(["journal_mode", "synchronous", "foreign_keys"].map(pragma), ["wal", 2, 1]);
});

Deno.test("a database of a newer version is refused without changes", () => {
  using folder = temporaryFolder();
  openStore({ folder: folder.path }).close();
  editDatabase(folder.path, "PRAGMA user_version = 999");
  const { code, message } = refusal(folder.path);
  assert.equal(code, "unsupported_version");
  assert.ok(message.includes(`has version 999, but this chatd supports versions up to ${migrations.length}`), message);
  editDatabase(folder.path, `PRAGMA user_version = ${migrations.length}`);
  openStore({ folder: folder.path }).close();
});

Deno.test("a file that is not a database, or another program's, is refused without changes", () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/chatd.sqlite`;
  Deno.writeTextFileSync(path, "notes ".repeat(1_000));
  assert.match(refusal(folder.path).message, /chatd\.sqlite" is damaged or not a database/);
  assert.equal(Deno.readTextFileSync(path), "notes ".repeat(1_000));
  Deno.removeSync(path);
  editDatabase(folder.path, "CREATE TABLE note (text TEXT)");
  const bytes = Deno.readFileSync(path);
  assert.match(refusal(folder.path).message, /chatd\.sqlite" belongs to another program/);
  assert.deepEqual(Deno.readFileSync(path), bytes);
  editDatabase(folder.path, "PRAGMA user_version = 1");
  assert.match(refusal(folder.path).message, /chatd\.sqlite" belongs to another program/);
  Deno.removeSync(path);
  Deno.mkdirSync(path);
  const { code, message } = refusal(folder.path);
  assert.equal(code, "permission_denied");
  assert.match(message, /Cannot open the database ".*chatd\.sqlite"/);
});

Deno.test("a damaged database is refused", async () => {
  using folder = temporaryFolder();
  const store = openStore({ folder: folder.path });
  await store.accounts.addUser(userRecord("ana"));
  store.close();
  const path = `${folder.path}/chatd.sqlite`;
  const bytes = Deno.readFileSync(path);
  bytes.fill(0xa5, 100, 4096);
  Deno.writeFileSync(path, bytes);
  assert.match(refusal(folder.path).message, /chatd\.sqlite" is damaged/);
});

Deno.test("migrate() runs only the missing steps on an older database", () => {
  const connection = new DatabaseSync(":memory:");
  const steps = ["CREATE TABLE one (a TEXT) STRICT", "INSERT INTO one VALUES ('second')"];
  migrate(connection, "test", steps.slice(0, 1));
  migrate(connection, "test", steps);
  migrate(connection, "test", steps);
  assert.deepEqual(connection.prepare("SELECT a FROM one").all().map(({ a }) => a), ["second"]);
  connection.close();
});

Deno.test("a database of version 1 is migrated, and lists the newest conversations first", async () => {
  using folder = temporaryFolder();
  const connection = new DatabaseSync(`${folder.path}/chatd.sqlite`);
  migrate(connection, "test", migrations.slice(0, 1));
  connection.exec(`
    INSERT INTO user VALUES (1, 'ana', 'hash', 0, 1), (2, 'ben', 'hash', 0, 1), (3, 'cleo', 'hash', 0, 1);
    INSERT INTO conversation VALUES (1, 'ana:ben', 2, 3), (2, 'ana:cleo', 1, 2);
    INSERT INTO member VALUES (1, 1), (1, 2), (2, 1), (2, 3);
    INSERT INTO entry VALUES
      (1, 1, 1, 1, randomblob(16), 1, 'one'), (2, 2, 1, 1, randomblob(16), 2, 'two'), (3, 1, 2, 2, randomblob(16), 3, 'three');
  `.replaceAll(/'(one|two|three)'/g, "CAST('$1' AS BLOB)"));
  connection.close();
  using store = openStore({ folder: folder.path });
  const newest = async () => {
    const page = await store.messages.conversationsOf("ana", { beforePosition: 0, limit: 10, maxBytes: 1_000 });
    return page.conversations.map(({ conversation, last }) => [conversation, last?.text]);
  };
  assert.deepEqual(await newest(), [["ana:ben", "three"], ["ana:cleo", "two"]]);
  await accept(store.messages, directAppend("cleo", "ana", { text: "four" }));
  assert.deepEqual(await newest(), [["ana:cleo", "four"], ["ana:ben", "three"]]);
});

Deno.test("a database of version 2 keeps its messages and marks them as read", async () => {
  using folder = temporaryFolder();
  const connection = new DatabaseSync(`${folder.path}/chatd.sqlite`);
  migrate(connection, "test", migrations.slice(0, 2));
  connection.exec(`
    INSERT INTO user VALUES (1, 'ana', 'hash', 0, 1), (2, 'ben', 'hash', 0, 1);
    INSERT INTO conversation VALUES (1, 'ana:ben', 3, 4), (2, 'ben:ben', 1, 3);
    INSERT INTO member VALUES (1, 1, 4), (1, 2, 4), (2, 2, 3);
    INSERT INTO entry VALUES
      (1, 1, 1, 1, randomblob(16), 1, x'61'), (2, 1, 2, 2, randomblob(16), 2, x'62'),
      (3, 2, 1, 2, randomblob(16), 3, x'63'), (4, 1, 3, 1, randomblob(16), 4, x'64');
  `);
  connection.close();
  using store = openStore({ folder: folder.path });
  const { messages: delivered } = await store.messages.messagesAfter("ben", 0, { limit: 10, maxBytes: 1_000 });
  assert.deepEqual(delivered.map(({ text, ordinal }) => [text, ordinal]), [["a", 1], ["b", 2], ["c", 1], ["d", 3]]);
  const page = await store.messages.history("ben", "ana:ben", { ...wholeLog, limit: 10, maxBytes: 1_000 });
  assert.deepEqual(page?.messages, delivered.filter(({ conversation }) => conversation === "ana:ben"));
  assert.equal(await store.messages.history("ana", "ben:ben", { ...wholeLog, limit: 10, maxBytes: 1_000 }), undefined);
  const list = async () => {
    const { conversations } = await store.messages.conversationsOf("ben", {
      beforePosition: 0,
      limit: 10,
      maxBytes: 1_000,
    });
    return conversations.map(({ conversation, unread, readSeq }) => [conversation, unread, readSeq]);
  };
  assert.deepEqual(await list(), [["ana:ben", 0, 3], ["ben:ben", 0, 1]]);
  await accept(store.messages, directAppend("ana", "ben"));
  assert.deepEqual(await list(), [["ana:ben", 1, 3], ["ben:ben", 0, 1]]);
});

Deno.test("accounts from before skeletons keep working when they look alike, and protect their names", async () => {
  using folder = temporaryFolder();
  const connection = new DatabaseSync(`${folder.path}/chatd.sqlite`);
  const before = migrations.findIndex((step) => step.includes("name_skeleton"));
  migrate(connection, "test", migrations.slice(0, before));
  connection.exec(`
    INSERT INTO user (name, password_hash, disabled, created_at, deleted) VALUES
      ('ana', 'hash', 0, 1, 0), ('4na', 'hash', 0, 1, 0), ('ana.', 'hash', 0, 1, 0), ('deleted.x', '', 1, 1, 1);
    INSERT INTO retired_name (name) VALUES ('ben'), ('b-en');
  `);
  connection.close();
  using store = openStore({ folder: folder.path });
  const { accounts, settings } = store;
  assert.deepEqual((await accounts.listUsers({ after: "", limit: 9 })).map(({ name }) => name), ["4na", "ana", "ana."]);
  for (const name of ["a.na", "b3n"]) assert.equal(await accounts.addUser(userRecord(name)), "similar", name);
  for (const user of ["4na", "ana."]) {
    assert.equal(await settings.saveSettings(user, { ...defaultSettings, status: "here" }), "saved");
    assert.equal(await settings.saveSettings(user, { ...defaultSettings, displayName: "Ana" }), "similar");
    assert.equal(await settings.saveSettings(user, { ...defaultSettings, displayName: `The other ${user}x` }), "saved");
    assert.equal(await settings.saveSettings(user, defaultSettings), "saved");
  }
  assert.equal(await accounts.deleteUser("ana", { alias: "deleted.y", erase: false }), true);
  assert.equal((await accounts.findUser("4na"))?.name, "4na");
});

Deno.test("rooms from before their setting let moderators mention all, and those who were online stay named", async () => {
  using folder = temporaryFolder();
  const connection = new DatabaseSync(`${folder.path}/chatd.sqlite`);
  addMigrationFunctions(connection);
  migrate(connection, "test", migrations.slice(0, migrations.findIndex((step) => step.includes("mention_all"))));
  const room = `+${"a".repeat(26)}`;
  connection.exec(`
    INSERT INTO user (id, name, password_hash, disabled, created_at) VALUES
      (1, 'ana', 'hash', 0, 1), (2, 'ben', 'hash', 0, 1), (3, 'cleo', 'hash', 0, 1);
    INSERT INTO conversation (id, name, head_seq, head_position) VALUES (1, '${room}', 2, 2);
    INSERT INTO room (conversation, name, topic, public, history_visible, creator, created_at, members)
      VALUES (1, 'ops', x'', 1, 1, 1, 1, 3);
    INSERT INTO member (conversation, user, role, room) VALUES (1, 1, 3, 1), (1, 2, 1, 1), (1, 3, 1, 1);
    INSERT INTO span (user, conversation, first_seq, last_seq, last_position, room) VALUES
      (1, 1, 1, 9007199254740991, 9007199254740991, 1), (2, 1, 1, 9007199254740991, 9007199254740991, 1),
      (3, 1, 1, 9007199254740991, 9007199254740991, 1);
    INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text, kind, target, audience, uncounted) VALUES
      (1, 1, 1, 1, randomblob(16), 1, x'', 5, 3, 0, 1),
      (2, 1, 2, 1, randomblob(16), 2, CAST('@here' AS BLOB), 0, NULL, 2, 1);
    INSERT INTO mention (user, conversation, seq, message) VALUES (2, 1, 2, 2);
  `);
  connection.close();
  using store = openStore({ folder: folder.path });
  assert.equal((await store.rooms.findRoom(room))?.mentionAll, "moderator");
  const naming = async (seq: number) =>
    await Promise.all(["ben", "cleo"].map(async (user) => (await store.messages.entry(user, room, seq))?.naming));
  assert.deepEqual(await naming(2), ["new", undefined]);
  const edit = { event: { kind: "edited", target: 2 }, text: "@here!", audience: "here", here: ["cleo"] } as const;
  const { seq } = await accept(store.messages, entryAppend(room, "ana", edit));
  assert.deepEqual(await naming(seq), ["kept", undefined]);
});

Deno.test("a message writes one row in a room, regardless of the number of members", async () => {
  using folder = temporaryFolder();
  using database = Database.open(folder.path);
  const messages = new SqliteMessageStore(database);
  const accounts = new SqliteAccountStore(database);
  const room = "+" + "r".repeat(26);
  const users = Array.from({ length: 50 }, (_, index) => `user${index}`);
  for (const user of users) await accounts.addUser(userRecord(user));
  const event = { kind: "room_created", isPublic: true, historyVisible: true } as const;
  await accept(messages, entryAppend(room, users[0], { event, text: "ops" }));
  await messages.commit(users.slice(1).map((user) => entryAppend(room, user, { event: { kind: "joined" } })));
  const written = () => (database.prepare("SELECT total_changes() AS rows").get() as { rows: number }).rows;
  const before = written();
  await accept(messages, entryAppend(room, users[7], { text: "hello" }));
  assert.equal(written() - before, 1);
});

Deno.test("a failed migration leaves the previous version", () => {
  const connection = new DatabaseSync(":memory:");
  const steps = [
    "CREATE TABLE one (a TEXT) STRICT",
    "CREATE TABLE two (a TEXT) STRICT; INSERT INTO missing VALUES (1)",
  ];
  assert.throws(() => migrate(connection, "test", steps), /no such table: missing/);
  assert.equal(connection.prepare("PRAGMA user_version").get()!.user_version, 1);
  assert.deepEqual(connection.prepare("SELECT name FROM sqlite_schema").all().map(({ name }) => name), ["one"]);
  migrate(connection, "test", [steps[0], "CREATE TABLE two (a TEXT) STRICT"]);
  assert.equal(connection.prepare("PRAGMA user_version").get()!.user_version, 2);
  connection.close();
});
