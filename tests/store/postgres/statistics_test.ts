import assert from "node:assert/strict";
import { type Log, silentLog } from "../../../src/core/log.ts";
import type { Database } from "../../../src/store/postgres/connection/database.ts";
import { Statistics } from "../../../src/store/postgres/statistics.ts";
import { openEmptyDatabase } from "../../support/databases/postgres_store.ts";
import { eventually } from "../../support/waiting/eventually.ts";

async function addEntries(database: Database, { first, last }: { first: number; last: number }): Promise<void> {
  await database.write(
    `INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text)
     SELECT n, 1, n, 1, gen_random_uuid(), 1, 'x' FROM generate_series($1::bigint, $2::bigint) n`,
    [first, last],
  );
}

/** The number of entries as the planner knows it. */
async function plannedEntries(database: Database): Promise<number> {
  const [{ entries }] = await database.read<{ entries: number }>(
    "SELECT reltuples AS entries FROM pg_class WHERE oid = 'entry'::regclass",
  );
  return entries;
}

Deno.test("statistics are gathered at 1,000 entries, and whenever the log has doubled since", async () => {
  await using database = await openEmptyDatabase();
  const statistics = await Statistics.open(database, { log: silentLog });
  for (const [first, last] of [[1, 999], [1_000, 1_000], [1_001, 1_999], [2_000, 2_000]]) {
    await addEntries(database, { first, last });
    // Statistics of the head before would put off those of the next one.
    statistics.noteHead(last);
    if (last % 1_000 === 0) await eventually(async () => await plannedEntries(database) === last);
  }
  await statistics.close();
});

Deno.test("the next node gathers statistics when the log has doubled since those of the node before", async () => {
  await using database = await openEmptyDatabase();
  await addEntries(database, { first: 1, last: 1_500 });
  await database.write("ANALYZE entry");
  await addEntries(database, { first: 1_501, last: 2_999 });
  for (const [head, planned] of [[2_999, 1_500], [3_000, 3_000]]) {
    if (head === 3_000) await addEntries(database, { first: head, last: head });
    const statistics = await Statistics.open(database, { log: silentLog });
    statistics.noteHead(head);
    await statistics.close();
    assert.equal(await plannedEntries(database), planned);
  }
});

Deno.test("a failure to gather statistics is logged, and nothing else", async () => {
  const database = await openEmptyDatabase();
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (event) => warnings.push(event) };
  const statistics = await Statistics.open(database, { log });
  await database.close();
  statistics.noteHead(1_000_000);
  await statistics.close();
  assert.deepEqual(warnings, ["cannot gather statistics of the database, so it may be slower"]);
});
