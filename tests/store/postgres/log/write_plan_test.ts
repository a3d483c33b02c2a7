import assert from "node:assert/strict";
import { createMessageId } from "../../../../src/core/messages/message_id.ts";
import { Connection, type Parameter } from "../../../../src/store/postgres/connection/connection.ts";
import { insertFew, insertLargeLog, largeLog } from "../../../support/databases/large_log.ts";
import { leaseEmptySchema } from "../../../support/databases/postgres_store.ts";

/** The number of conversations that each call is about. */
const count = 100;
const directs = Array.from({ length: count }, (_, index) => index + 1);
const times = directs.map(() => 1_700_000_000_000);
const texts = directs.map(() => new Uint8Array([104, 105]));

/** The calls of functions that write the log, with the most rows that each may read. */
function calls(): { sql: string; values: Parameter[]; mostRead: number }[] {
  const ids = directs.map(() => createMessageId());
  return [
    {
      sql: "SELECT append_1($1, $2, $3, $4, $5, $6, $7, $8)",
      values: [directs, largeLog.rooms, directs, directs.map(() => 1), directs.map(() => 2), ids, times, texts],
      mostRead: 4 * count + largeLog.rooms.length,
    },
    {
      sql: "SELECT write_heads_1($1, $2, $3)",
      values: [directs, directs.map((_, index) => 1_000_000 + index), 1_000_000],
      mostRead: 4 * count,
    },
    {
      sql: "SELECT open_consumer_1($1, $2, $3, $4, $5, $6)",
      values: ["device5", crypto.randomUUID(), 1, 1, 1, 10],
      mostRead: 40,
    },
  ];
}

const devices = `
INSERT INTO device (public_id, "user", name, created_at, last_used_at, expires_at)
  SELECT 'device' || g, 1, '', 1, 1, 1 FROM generate_series(1, 5000) g;
INSERT INTO consumer (device, name, position) SELECT d.id, 'ui', 1 FROM device d;
INSERT INTO spent_id (id, sender, position, conversation, seq, accepted_at)
  SELECT 'ffffffff-ffff-7fff-bfff-ffffffffffff', g, 1, 1, 1, 1 FROM generate_series(10, 5000) g;
`;

/** Returns the numbers of rows of growing tables that this transaction has read. */
async function countReads(connection: Connection): Promise<{ scanned: number; fetched: number }> {
  const [counts] = await connection.query<{ scanned: number; fetched: number }>(
    `SELECT sum(seq_tup_read)::bigint AS scanned, sum(idx_tup_fetch)::bigint AS fetched
     FROM pg_stat_xact_user_tables WHERE schemaname = current_schema() AND relname NOT IN ('log', 'lease')`,
  );
  return counts;
}

async function runAll(connection: Connection): Promise<void> {
  for (const { sql, values } of calls()) {
    await connection.query("BEGIN");
    // On an empty database some break a rule, after their statements were planned.
    await connection.query(sql, values).catch(() => {});
    await connection.query("ROLLBACK");
  }
}

async function checkAll(connection: Connection): Promise<void> {
  for (const { sql, values, mostRead } of calls()) {
    await connection.query("BEGIN");
    const before = await countReads(connection);
    const [{ result }] = await connection.query<{ result: string }>(sql.replace(/\)$/, ") AS result"), values);
    const after = await countReads(connection);
    await connection.query("COMMIT");
    assert.notEqual(result, "(,,)", `${sql} appends`);
    assert.equal(after.scanned - before.scanned, 0, `${sql} scans no table`);
    const fetched = after.fetched - before.fetched;
    assert.ok(fetched > 0 && fetched <= mostRead, `${sql} reads ${fetched} rows`);
  }
}

/** Opens a connection like those that write, to an empty schema. */
async function openWriter(): Promise<Connection> {
  const { access, generation } = await leaseEmptySchema();
  return await Connection.open(access, { name: "commit", generation, usesIndexes: true, statementTimeoutMs: 0 });
}

async function insertLarge(connection: Connection): Promise<void> {
  await insertLargeLog(connection);
  await connection.execute(devices);
}

Deno.test("appends, heads and consumers read few rows of a large log, by plans from when it was empty and by new ones", async () => {
  await using connection = await openWriter();
  await runAll(connection);
  await insertLarge(connection);
  await checkAll(connection);
  await connection.execute("DISCARD PLANS");
  await checkAll(connection);
  await connection.execute("ANALYZE");
  await checkAll(connection);
});

Deno.test("appends, heads and consumers read few rows of a large log by plans from statistics of a small one", async () => {
  await using connection = await openWriter();
  await insertFew(connection);
  await connection.execute("ANALYZE");
  await runAll(connection);
  await insertLarge(connection);
  await checkAll(connection);
});
