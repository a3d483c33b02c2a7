import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { silentLog } from "../../../../src/core/log.ts";
import { Database, databasePath, migrate } from "../../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../../src/store/sqlite/log/sqlite_message_store.ts";
import { migrations } from "../../../../src/store/sqlite/migrations.ts";
import { SearchIndex } from "../../../../src/store/sqlite/search/search_index.ts";
import { MessageFinder } from "../../../../src/store/sqlite/search/message_finder.ts";
import { Indexer, type IndexerTiming } from "../../../../src/store/sqlite/search/indexer.ts";
import { SearchStore } from "../../../support/servers/search_store.ts";
import { wholeLog } from "../../../support/servers/stored_messages.ts";
import { temporaryFolder } from "../../../support/checks/temporary_folder.ts";
import { until } from "../../../support/waiting/turns.ts";

/** A search of ana for all messages. */
const everything = { user: "ana", terms: [], excluded: [], beforePosition: 0, limit: 1 } as const;

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Reads the files of a store as Latin-1. */
function contents(folder: string): string {
  const files = ["chatd.sqlite", "chatd.sqlite-wal"].map((name) => Deno.readFileSync(`${folder}/${name}`));
  return files.map((bytes) => new TextDecoder("latin1").decode(bytes)).join("\n");
}

Deno.test("no part of a deleted or replaced word remains in the files", async () => {
  using folder = temporaryFolder();
  using store = await SearchStore.open(folder.path);
  const secrets = new Map(
    numbers(60).map((number) => {
      const [word] = crypto.randomUUID().split("-");
      return [number * 7, `zq${word}`];
    }),
  );
  const usual = "some of the usual words that everybody says about whatever there is to say";
  for (const number of numbers(450)) {
    const secret = secrets.get(number);
    // Some texts are long enough for separate pages.
    const text = secret === undefined ? `${usual} ${number}` : `${usual} ${secret} `.repeat(number % 5 === 0 ? 150 : 1);
    await store.say("ana", "ben", text);
    if (number % 50 === 0) store.catchUp();
  }
  store.catchUp();
  assert.ok(store.database.truncateLog());
  const before = contents(folder.path);
  for (const secret of secrets.values()) assert.ok(before.includes(secret));
  for (const seq of secrets.keys()) await store.amend("ana", "ben", seq, seq % 2 === 0 ? undefined : "other words");
  assert.ok(store.database.truncateLog());
  const after = contents(folder.path);
  assert.ok(after.includes("everybody"));
  // An index may store a word without the prefix that it shares with the previous one.
  const left = [...secrets.values()].filter((secret) => after.includes(secret.slice(3)));
  assert.deepEqual(left, []);
  for (const secret of secrets.values()) assert.deepEqual(store.find("ana", secret), []);
});

const timing: IndexerTiming = { delayMs: 1, turnMs: 1, retryMs: 1, forgetMs: 1 };

Deno.test("the indexer catches up after a start and after each commit, and empties the write-ahead log", async () => {
  using folder = temporaryFolder();
  using store = await SearchStore.open(folder.path);
  const { database, index, messages } = store;
  for (const number of numbers(300)) await store.say("ana", "ben", `early ${number}`);
  using indexer = new Indexer({ database, index, head: () => messages.head, log: silentLog, timing });
  indexer.start();
  await until(() => index.position === 300);
  await store.say("ana", "ben", "late");
  await until(() => store.find("ana", "late").length === 1);
  await store.amend("ana", "ben", 301);
  await until(() => !contents(folder.path).includes("late"));
});

Deno.test("the indexer continues after an error, and stops when it is closed", async () => {
  using store = await SearchStore.open();
  const { database, index, messages } = store;
  let failures = 0;
  const head = () => {
    if (failures < 3) throw new Error("no");
    return messages.head;
  };
  const log = { ...silentLog, error: () => void failures++ };
  const indexer = new Indexer({ database, index, head, log, timing });
  indexer.start();
  await store.say("ana", "ben", "hello");
  await until(() => index.position === 1);
  assert.equal(failures, 3);
  indexer.close();
  assert.equal(database.onCommit, undefined);
});

Deno.test("a migration starts the index anew, and words erased before or while it fills are not found", async () => {
  using folder = temporaryFolder();
  const connection = new DatabaseSync(databasePath(folder.path));
  connection.function("searchable_text", { varargs: true }, (text) => new TextDecoder().decode(text as Uint8Array));
  connection.function("search_scope", { varargs: true }, (conversation, sender) => `c${conversation} u${sender}`);
  migrate(connection, "test", migrations.slice(0, 15));
  const span = "9007199254740991, 9007199254740991, 0";
  connection.exec(`
    INSERT INTO user (id, name, password_hash, disabled, created_at) VALUES (1, 'ana', '', 0, 1), (2, 'ben', '', 0, 1);
    INSERT INTO conversation (id, name, head_seq, head_position) VALUES (1, 'ana:ben', 60, 60);
    INSERT INTO member (conversation, user, head_position) VALUES (1, 1, 60), (1, 2, 60);
    INSERT INTO span VALUES (1, 1, 1, ${span}), (2, 1, 1, ${span});
    INSERT INTO reaction VALUES (1, 1, x'e29da4', 1, 1), (1, 1, x'e29da4efb88f', 1, 1), (1, 1, x'e29da4', 2, 1);
  `);
  const add = connection.prepare(
    `INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text)
     VALUES (:n, 1, :n, 1, randomblob(16), 1, CAST('zqsecret' || :n || ' Elk' AS BLOB))`,
  );
  for (const n of numbers(60)) add.run({ n });
  connection.exec(`
    INSERT INTO search_index (rowid, text, scope) SELECT position, searchable_text(text), 'c1 u1' FROM entry;
    UPDATE search_cursor SET position = 60;
  `);
  connection.close();
  {
    using database = Database.open(folder.path);
    const index = new SearchIndex(database);
    assert.equal(index.position, 0);
    index.takeTurn({ head: 60, turnMs: 1_000, maxEntries: 16 });
    assert.equal(index.position, 16);
    const erase = database.prepare("UPDATE entry SET text = x'', deleted = 1 WHERE position = ?");
    for (const position of [5, 40]) erase.run(position);
  }
  using database = Database.open(folder.path);
  const index = new SearchIndex(database);
  const finder = new MessageFinder(database);
  const find = (text: string) =>
    finder.find({ user: "ben", terms: [{ text, prefix: false }], excluded: [], beforePosition: 0, limit: 99 })
      .positions;
  while (index.takeTurn({ head: 60, turnMs: 1_000, maxEntries: 1_000 }));
  assert.equal(find("elk").length, 58);
  for (const position of [5, 40]) assert.deepEqual(find(`zqsecret${position}`), []);
  assert.ok(database.truncateLog());
  assert.equal(contents(folder.path).includes("zqsecret40"), false);
  const page = await new SqliteMessageStore(database).history("ana", "ana:ben", {
    ...wholeLog,
    limit: 1_000,
    maxBytes: 100_000,
    events: false,
  });
  const message = page!.messages.find(({ seq }) => seq === 1)!;
  assert.deepEqual(message.reactions, [{ emoji: "❤️", count: 2, own: true }]);
  database.prepare("INSERT INTO search_index (search_index) VALUES ('integrity-check')").run();
});

Deno.test("the form of the index counts the characters that regular expressions of this runtime know", () => {
  using database = Database.openInMemory();
  const every16th = Array.from({ length: 0x4000 }, (_, index) => String.fromCodePoint(index * 16));
  const known = every16th.filter((character) => /\P{Cn}/u.test(character)).length;
  // Unicode 16 has 10313 of them.
  assert.ok(known >= 10_313 && known < 0x4000, `${known}`);
  assert.deepEqual({ ...database.prepare("SELECT form FROM search_cursor").get() }, { form: `1, ${known} characters` });
});

Deno.test("an index with words of another version of Unicode is filled anew, and erased words are not found", async () => {
  using folder = temporaryFolder();
  {
    using store = await SearchStore.open(folder.path);
    for (const number of numbers(60)) await store.say("ana", "ben", `zqword${number} Elk`);
    store.catchUp();
    const { database } = store;
    // The words as an older runtime had them, which the present one would not delete.
    database.prepare("INSERT INTO search_index (search_index) VALUES ('delete-all')").run();
    database.prepare(
      "INSERT INTO search_index (rowid, text, scope) SELECT position, 'old' || text, 'c1 u1' FROM entry",
    ).run();
    database.prepare("UPDATE search_cursor SET form = '1, 9000 characters'").run();
  }
  const oldWords = (database: Database) =>
    database.prepare(`SELECT rowid FROM search_index WHERE search_index MATCH '"oldzqword"*'`).all();
  {
    using store = await SearchStore.open(folder.path);
    assert.deepEqual([store.index.position, oldWords(store.database)], [0, []]);
    assert.equal(store.finder.find(everything).indexedThrough, 0);
    store.index.takeTurn({ head: 60, turnMs: 1_000, maxEntries: 16 });
    // One that is indexed again, and one that is not yet.
    for (const seq of [5, 40]) await store.amend("ana", "ben", seq);
  }
  using store = await SearchStore.open(folder.path);
  assert.equal(store.index.position, 16);
  store.catchUp();
  assert.equal(store.find("ben", "elk").length, 58);
  for (const number of [5, 40]) assert.deepEqual(store.find("ben", `zqword${number}`), []);
  assert.deepEqual(oldWords(store.database), []);
  assert.ok(store.database.truncateLog());
  for (const word of ["oldzqword", "zqword40"]) assert.equal(contents(folder.path).includes(word), false, word);
  store.database.prepare("INSERT INTO search_index (search_index) VALUES ('integrity-check')").run();
});
