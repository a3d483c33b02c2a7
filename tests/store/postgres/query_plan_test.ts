import assert from "node:assert/strict";
import { Connection, type Parameter } from "../../../src/store/postgres/connection/connection.ts";
import { backlogStatements } from "../../../src/store/postgres/log/backlog.ts";
import { listStatement } from "../../../src/store/postgres/log/conversation_list.ts";
import { summaryStatement } from "../../../src/store/postgres/log/conversation_summaries.ts";
import { readStatement } from "../../../src/store/postgres/log/entry_reader.ts";
import { extentStatement } from "../../../src/store/postgres/log/history.ts";
import { logPageStatements } from "../../../src/store/postgres/log/log_pages.ts";
import { peerStatements } from "../../../src/store/postgres/log/peers.ts";
import { seqSearchStatements } from "../../../src/store/postgres/log/seq_search.ts";
import { shownStatements } from "../../../src/store/postgres/log/shown_messages.ts";
import { unreadStatement } from "../../../src/store/postgres/log/unread_counts.ts";
import { insertFew, insertLargeLog, largeLog } from "../../support/databases/large_log.ts";
import { emptySchema } from "../../support/databases/postgres_store.ts";

/** How a statement is used on the large log. */
interface Use {
  readonly values: readonly Parameter[];
  /** Rows of the result. */
  readonly results: number;
  /** The most rows that it may read from tables. */
  readonly mostRead: number;
}

const { entries, rooms, roomName } = largeLog;
const newest = Array.from({ length: 500 }, (_, index) => entries - index);
const far = entries - 50_000;
const end = Number.MAX_SAFE_INTEGER;
const roomLength = entries / 10 / rooms.length;
const directs = rooms.map((_, index) => index + 1);
const none = rooms.map(() => 0);
const lengths = rooms.map(() => roomLength);

function all<Name extends string>(
  statements: Readonly<Record<Name, string>>,
  uses: Readonly<Record<Name, Use>>,
): (Use & { name: string; sql: string })[] {
  return (Object.keys(statements) as Name[]).map((name) => ({ name, sql: statements[name], ...uses[name] }));
}

/** Every statement that reads the log, as user1 uses it. */
const uses = [
  ...all({ read: readStatement }, {
    read: { values: [1, newest, 1_000_000, true], results: 500, mostRead: 2_500 },
  }),
  ...all(backlogStatements, {
    scan: { values: [1, far, far + 1024, 501], results: 103, mostRead: 2_000 },
    changed: { values: [1, far, 513], results: 100, mostRead: 300 },
    streams: {
      values: [1, rooms, rooms.map(() => 1), lengths, far, 22],
      results: 1_100,
      mostRead: 3_000,
    },
  }),
  ...all(shownStatements, {
    find: { values: [1, roomName(rooms[3]), 101], results: 1, mostRead: 8 },
    shown: { values: [1, newest], results: 49, mostRead: 1_000 },
    sent: { values: [2, "ffffffff-ffff-ffff-ffff-ffffffffffff", 51], results: 51, mostRead: 60 },
    pins: { values: [1, roomName(rooms[3]), end, 51], results: 47, mostRead: 300 },
  }),
  ...all(peerStatements, {
    directs: { values: [1, 101], results: 101, mostRead: 500 },
    countDirects: { values: [1, 5_000], results: 1, mostRead: 1_000 },
    existing: { values: [newest.map((_, index) => `user1:user${index + 2}`)], results: 500, mostRead: 500 },
    roomMates: { values: [1, 100], results: 150, mostRead: 50 * (2 + 2 * 150) },
    membersAmong: { values: [1, ["user3", "user7"], 3, 100], results: 2, mostRead: 50 * 6 },
  }),
  ...all({ list: listStatement, summary: summaryStatement, extent: extentStatement, unread: unreadStatement }, {
    list: { values: [1, end, 51], results: 51, mostRead: 300 },
    summary: { values: [1, [...rooms, ...directs]], results: 100, mostRead: 2_000 },
    extent: { values: [1, roomName(rooms[3])], results: 1, mostRead: 5 },
    unread: {
      values: [1, rooms, none, none, rooms.map(() => 40), lengths, rooms.map(() => null), rooms.map(() => null), none],
      results: 50,
      mostRead: 50 * 40 * 4,
    },
  }),
  ...all(logPageStatements, {
    ASC: { values: [1, rooms[3], 1, roomLength, false, 4096, 51], results: 51, mostRead: 200 },
    DESC: { values: [1, rooms[3], 1, roomLength, false, 4096, 51], results: 51, mostRead: 200 },
    newestMessages: { values: [1, rooms, lengths, 32], results: 50, mostRead: 500 },
  }),
  ...all({ cut: logPageStatements.DESC }, {
    cut: { values: [1, rooms[3], 1, roomLength, false, 20, 51], results: 20, mostRead: 80 },
  }),
  ...all(seqSearchStatements, {
    accepted_at: { values: [[rooms[3]], [1], [roomLength + 1], [far]], results: 1, mostRead: 10 },
    position: { values: [rooms, rooms.map(() => 1), lengths, rooms.map(() => far)], results: 50, mostRead: 50 * 10 },
  }),
];

/** Returns the numbers of rows that this connection has read since its last count reached the statistics. */
async function countReads(connection: Connection): Promise<{ scanned: number; fetched: number }> {
  const [counts] = await connection.query<{ scanned: number; fetched: number }>(
    `SELECT sum(seq_tup_read)::bigint AS scanned, sum(idx_tup_fetch)::bigint AS fetched
     FROM pg_stat_xact_user_tables WHERE schemaname = current_schema()`,
  );
  return counts;
}

async function runAll(connection: Connection): Promise<void> {
  for (const { sql, values } of uses) await connection.query(sql, values);
}

async function checkAll(connection: Connection): Promise<void> {
  for (const { name, sql, values, results, mostRead } of uses) {
    await connection.query("BEGIN");
    const before = await countReads(connection);
    const found = await connection.query(sql, values);
    const after = await countReads(connection);
    await connection.query("COMMIT");
    assert.equal(found.length, results, `${name} finds rows`);
    assert.equal(after.scanned - before.scanned, 0, `${name} scans no table`);
    const fetched = after.fetched - before.fetched;
    assert.ok(fetched <= mostRead, `${name} reads ${fetched} rows`);
  }
}

/** Opens a connection like those of readers to an empty schema. */
async function openReader(): Promise<Connection> {
  return await Connection.open(await emptySchema(), { name: "read", usesIndexes: true, statementTimeoutMs: 0 });
}

Deno.test("pages read few rows of a large log by plans from when it was empty, and by new ones, with statistics and without", async () => {
  await using connection = await openReader();
  await runAll(connection);
  await insertLargeLog(connection);
  await checkAll(connection);
  await connection.execute("DISCARD PLANS");
  await checkAll(connection);
  await connection.execute("ANALYZE");
  await checkAll(connection);
});

Deno.test("pages read few rows of a large log by plans from statistics of a small one", async () => {
  await using connection = await openReader();
  await insertFew(connection);
  await connection.execute("ANALYZE");
  await runAll(connection);
  await insertLargeLog(connection);
  await checkAll(connection);
});
