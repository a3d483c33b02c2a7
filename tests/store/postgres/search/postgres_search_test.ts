import assert from "node:assert/strict";
import { silentLog } from "../../../../src/core/log.ts";
import { PostgresIndexer } from "../../../../src/store/postgres/search/postgres_indexer.ts";
import { PostgresSearchIndex } from "../../../../src/store/postgres/search/postgres_search_index.ts";
import { tokenizerOption } from "../../../../src/store/postgres/search/tokenizer.ts";
import { migrations } from "../../../../src/store/sqlite/migrations.ts";
import { SearchPerson } from "../../../contract/message_search.ts";
import { rejectsWith } from "../../../support/checks/chat_error_assertions.ts";
import { openPostgresSearch } from "../../../support/servers/search_stores.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

type Opened = Awaited<ReturnType<typeof openPostgresSearch>>;

const timing = { delayMs: 1, turnMs: 1, idleMs: 1, retryMs: 1 };
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

function test(behaviour: string, run: (store: SearchPerson, opened: Opened) => Promise<void>): void {
  Deno.test(behaviour, async () => {
    const opened = await openPostgresSearch();
    try {
      await run(new SearchPerson(opened), opened);
    } finally {
      await opened.close();
    }
  });
}

/** Inserts messages of ana to ben after position 1, with one word each. */
async function addMessages({ database }: Opened, count: number): Promise<void> {
  await database.write(
    `INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text)
     SELECT n, 1, n, 1, gen_random_uuid(), n, convert_to('usual w' || n % 100, 'UTF8') FROM generate_series(2, $1::int) n`,
    [count],
  );
}

test(
  "the indexer catches up after a start, after each commit, and after changes that move no head",
  async (store, opened) => {
    const { messages } = opened;
    for (const number of numbers(300)) await store.say("ana", "ben", `early ${number}`);
    await using indexer = new PostgresIndexer({
      index: opened.index,
      head: () => messages.head,
      log: silentLog,
      timing,
    });
    assert.equal(indexer.lag, 300);
    indexer.start();
    await eventually(() => indexer.lag === 0, () => "the log is indexed");
    await store.say("ana", "ben", "late");
    await eventually(async () => (await store.find("ana", "late")).length === 1, () => "the new message is found");
    await opened.rows.setText(301, "other");
    assert.deepEqual(await store.find("ana", "late"), []);
    await eventually(async () => (await store.find("ana", "other")).length === 1, () => "the changed message is found");
  },
);

test("the indexer continues after an error, and stops when it is closed", async (store, opened) => {
  const { messages } = opened;
  let failures = 0;
  const head = () => {
    if (failures < 3) throw new Error("no");
    return messages.head;
  };
  const log = { ...silentLog, error: () => void failures++ };
  const indexer = new PostgresIndexer({ index: opened.index, head, log, timing });
  indexer.start();
  await store.say("ana", "ben", "hello");
  await eventually(() => opened.index.position === 1, () => "the message is indexed");
  assert.equal(failures, 3);
  await indexer.close();
  await indexer.close();
});

test(
  "a message that is changed while it is indexed is not found by its old words, and then by its new ones",
  async (store, opened) => {
    const { database, index, messages } = opened;
    for (const text of ["old one", "old two"]) await store.say("ana", "ben", text);
    // The indexer has read the texts, and writes their words after they were changed.
    let change = true;
    const racingDatabase = {
      read: database.read.bind(database),
      snapshot: database.snapshot.bind(database),
      transaction: database.transaction.bind(database),
      async write<Row>(...[sql, values]: Parameters<typeof database.write>): Promise<Row[]> {
        if (change && sql.includes("index_messages")) {
          change = false;
          await store.amend("ana", "ben", 1, "new one");
          await opened.rows.removeEntry(2);
        }
        return await database.write<Row>(sql, values);
      },
    };
    using racing = await PostgresSearchIndex.open(racingDatabase);
    await racing.takeTurn({ head: 2, maxEntries: 100, turnMs: 1_000 });
    assert.equal(change, false);
    assert.deepEqual(await store.find("ben", "old"), []);
    while (await racing.takeTurn({ head: messages.head, maxEntries: 100, turnMs: 1_000 }));
    assert.deepEqual(await store.find("ben", "old"), []);
    assert.deepEqual(await store.find("ben", "new"), [1]);
    assert.deepEqual(await database.read("SELECT position FROM search"), [{ position: 1 }]);
    assert.equal(index.position, 0);
  },
);

test("a message that is removed while it is indexed anew leaves no words", async (store, opened) => {
  const { database, messages } = opened;
  await store.say("ana", "ben", "old one");
  await store.catchUp();
  await store.amend("ana", "ben", 1, "secret");
  let isRemoved = false;
  const racingDatabase = {
    read: database.read.bind(database),
    snapshot: database.snapshot.bind(database),
    transaction: database.transaction.bind(database),
    async write<Row>(...[sql, values]: Parameters<typeof database.write>): Promise<Row[]> {
      if (!isRemoved) await opened.rows.removeEntry(1);
      isRemoved = true;
      return await database.write<Row>(sql, values);
    },
  };
  using racing = await PostgresSearchIndex.open(racingDatabase);
  const turn = { head: messages.head, maxEntries: 100, turnMs: 1_000 };
  await racing.takeTurn(turn);
  assert.ok(isRemoved);
  await racing.takeTurn(turn);
  assert.deepEqual(await database.read("SELECT position FROM search"), []);
});

test(
  "an index goes back to where the database is after a crash of it undid a turn",
  async (store, { database, index }) => {
    await store.say("ana", "ben", "early");
    await store.catchUp();
    await store.say("ana", "ben", "lost");
    await store.catchUp();
    assert.equal(index.position, 2);
    // A turn does not wait for the disk.
    await database.write("DELETE FROM search WHERE position = 2");
    await database.write("UPDATE search_cursor SET position = 1");
    await store.say("ana", "ben", "late");
    await store.catchUp();
    assert.deepEqual(await store.find("ben", "lost"), [2]);
    assert.deepEqual(await store.find("ben", "late"), [3]);
  },
);

test("an index with words of another version of Unicode is filled anew", async (store, opened) => {
  for (const number of numbers(60)) await store.say("ana", "ben", `word${number} Elk`);
  await store.catchUp();
  await opened.database.write("UPDATE search SET words = 'old' WHERE position <= 30");
  await opened.database.write("UPDATE search_cursor SET form = '1, 9000 characters'");
  await opened.reopenIndex();
  assert.equal(opened.index.position, 0);
  assert.deepEqual(await store.find("ben", "elk"), []);
  await store.catchUp();
  assert.equal((await store.find("ben", "elk")).length, 60);
  await opened.reopenIndex();
  assert.equal(opened.index.position, 60);
});

test("a search covers ranges of positions, the newest first, with time or without", async (store, opened) => {
  const count = 40_000;
  await store.say("ana", "ben", "first usual");
  await addMessages(opened, count);
  await opened.indexThrough(count);
  const page = { user: "ben", excluded: [], limit: 5, beforePosition: 0 };
  const find = (text: string, more = {}) => opened.find({ ...page, terms: [{ text, prefix: false }], ...more });
  const newest = await find("usual");
  assert.deepEqual([newest.positions, newest.more], [[40_000, 39_999, 39_998, 39_997, 39_996], true]);
  assert.deepEqual((await find("w7", { beforePosition: 16_500 })).positions, [16_407, 16_307, 16_207, 16_107, 16_007]);
  assert.deepEqual((await find("first")).positions, [1]);
  // All messages match, and none is visible: a page ends after a number of hits or a time, and says where to continue.
  let next = await find("usual", { user: "ana", isUnread: true });
  assert.ok(next.more && next.nextBeforePosition > count - 20_000);
  while (next.more) {
    assert.deepEqual(next.positions, []);
    next = await find("usual", { user: "ana", isUnread: true, beforePosition: next.nextBeforePosition });
  }
  assert.equal(next.nextBeforePosition, 0);
});

test("a search reads the index alone, on a database without statistics", async (store, opened) => {
  const { database } = opened;
  await store.say("ana", "ben", "first usual");
  assert.deepEqual(await store.find("ben", "first"), [], "planned on empty tables");
  await addMessages(opened, 20_000);
  await opened.indexThrough(20_000);
  const scans = async () => {
    await database.search("SELECT pg_stat_force_next_flush()");
    const [{ rows }] = await database.read<{ rows: number }>(
      `SELECT coalesce(sum(seq_tup_read), 0)::bigint AS rows FROM pg_stat_user_tables
       WHERE schemaname = current_schema() AND relname IN ('search', 'entry', 'span', 'member', 'block')`,
    );
    return rows;
  };
  const before = await scans();
  for (let round = 0; round < 10; round++) assert.equal((await store.find("ben", "first")).length, 1);
  for (let round = 0; round < 10; round++) await store.find("ben", "w7 mentions:me after:2020-01-01");
  assert.equal(await scans(), before);
});

test("a search that takes the database too long is refused with limit_reached", async (store, { database, find }) => {
  await store.say("ana", "ben", "word");
  await database.search("SET statement_timeout = 1");
  const locked = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const holding = database.transaction(async ({ query }) => {
    await query("LOCK TABLE search_cursor IN ACCESS EXCLUSIVE MODE");
    locked.resolve();
    await over.promise;
  });
  await locked.promise;
  const terms = [{ text: "word", prefix: false }];
  await rejectsWith("limit_reached", find({ user: "ana", terms, excluded: [], beforePosition: 0, limit: 10 }));
  over.resolve();
  await holding;
});

Deno.test("the tokenizer is that of the index in SQLite", () => {
  assert.ok(migrations.some((step) => step.includes(tokenizerOption)));
});
