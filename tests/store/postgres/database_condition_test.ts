import assert from "node:assert/strict";
import { Connection } from "../../../src/store/postgres/connection/connection.ts";
import type { DatabaseAccess } from "../../../src/store/postgres/connection/database_address.ts";
import { probeHosts } from "../../../src/store/postgres/connection/probe_hosts.ts";
import { type DatabaseCondition, readCondition } from "../../../src/store/postgres/database_condition.ts";
import { migrateSchema } from "../../../src/store/postgres/schema/schema_version.ts";
import { accessTo, PostgresNode } from "../../support/databases/postgres_node.ts";
import { eventually } from "../../support/waiting/eventually.ts";

/** The node of this file. Started before the first test, to which it would seem a leak. */
const node = await PostgresNode.start({ settings: ["autovacuum = off", "max_prepared_transactions = 2"] });
const access = accessTo(node.address, "condition");
await migrateSchema(access);
await execute(
  "CREATE ROLE reader LOGIN PASSWORD 'pw'; GRANT USAGE ON SCHEMA condition TO reader; " +
    "GRANT SELECT ON ALL TABLES IN SCHEMA condition TO reader",
);
/** One that has no rights but to read the tables. */
const reader: DatabaseAccess = { ...access, address: { ...access.address, user: "reader" }, password: "pw" };

const patience = { connectTimeoutMs: 5_000, answerTimeoutMs: 5_000 };

async function execute(...statements: string[]): Promise<void> {
  await using connection = await Connection.open(access, { name: "test" });
  for (const statement of statements) await connection.execute(statement);
}

/** Waits until the condition is this, as a user sees it, and returns it. */
async function become(
  isSo: (condition: DatabaseCondition) => boolean,
  { seenBy = access, longMs }: { seenBy?: DatabaseAccess; longMs?: number } = {},
): Promise<DatabaseCondition> {
  let condition = await readCondition(seenBy, { longMs });
  await eventually(
    async () => isSo(condition = await readCondition(seenBy, { longMs })),
    () => JSON.stringify(condition),
  );
  return condition;
}

Deno.test("settings that are a risk are found, with the statement's scope that made them", async () => {
  const ofServer = { value: "off", scope: "server" };
  const expected = ["autovacuum", "fsync", "full_page_writes", "synchronous_commit"];
  const names = async () => (await readCondition(access)).riskySettings;
  assert.deepEqual(await names(), expected.map((name) => ({ name, ...ofServer })));
  const scopes = {
    "ALTER DATABASE chatd": "database",
    "ALTER ROLE chatd": "role",
    "ALTER ROLE chatd IN DATABASE chatd": "role in database",
  };
  for (const [statement, scope] of Object.entries(scopes)) {
    await execute(`${statement} SET synchronous_commit = local`);
    assert.deepEqual((await names()).at(-1), { name: "synchronous_commit", value: "local", scope });
  }
  for (const statement of Object.keys(scopes)) await execute(`${statement} RESET synchronous_commit`);
  for (const [value, unvacuumed] of [["off", ["entry"]], ["no", ["entry"]], ["f", ["entry"]], ["yes", []]]) {
    await execute(`ALTER TABLE condition.entry SET (autovacuum_enabled = ${value})`);
    assert.deepEqual((await readCondition(access)).unvacuumed, unvacuumed);
  }
  await execute("ALTER TABLE condition.entry RESET (autovacuum_enabled)");
});

Deno.test("transactions that are open for long are found, prepared ones too", async () => {
  await using idle = await Connection.open(access, { name: "forgotten" });
  await idle.execute("SET idle_in_transaction_session_timeout = 0; BEGIN; SELECT 1");
  await execute("BEGIN; CREATE TABLE condition.moved (); PREPARE TRANSACTION 'move'");
  const { longTransactions, preparedTransactions } = await become((now) => now.longTransactions.length > 0, {
    longMs: 0,
  });
  assert.deepEqual(longTransactions.map(({ application, isIdle }) => ({ application, isIdle })), [
    { application: "chatd forgotten", isIdle: true },
  ]);
  assert.deepEqual(preparedTransactions, ["move"]);
  const { longTransactions: none, preparedTransactions: noneToo } = await readCondition(access);
  assert.deepEqual([none, noneToo], [[], []]);
  await idle.execute("ROLLBACK");
  await execute("ROLLBACK PREPARED 'move'");
});

Deno.test("a user who may not see others says so, and counts their connections all the same", async () => {
  await using _other = await Connection.open(access, { name: "other" });
  /** Connections that were closed a moment ago may be counted still. */
  const free = async (count: number, seenBy: DatabaseAccess) =>
    (await become(({ connections }) => connections.count === count, { seenBy })).connections.limitedBy;
  assert.equal(await free(95, access), "server");
  assert.equal((await readCondition(access)).seesOthers, true);
  const theirs = await readCondition(reader, { longMs: 0 });
  assert.deepEqual([theirs.seesOthers, theirs.longTransactions], [false, []]);
  assert.equal(await free(95, reader), "server");
  await execute("ALTER ROLE reader CONNECTION LIMIT 5");
  assert.equal(await free(4, reader), "role");
  await execute("ALTER ROLE reader CONNECTION LIMIT -1; ALTER DATABASE chatd CONNECTION LIMIT 7");
  assert.equal(await free(5, reader), "database");
  await execute("ALTER DATABASE chatd CONNECTION LIMIT -1; GRANT pg_read_all_stats TO reader");
  assert.equal((await readCondition(reader)).seesOthers, true);
  await execute("REVOKE pg_read_all_stats FROM reader");
});

Deno.test("a standby is found with its lag, and the slot that it leaves", async () => {
  await execute("SELECT pg_create_physical_replication_slot('replica', true)");
  {
    await using standby = await PostgresNode.start({
      standbyOf: node.address,
      settings: ["primary_slot_name = 'replica'", "hot_standby = on"],
    });
    const { replication } = await become((now) => now.replication.standbys.length === 1);
    assert.deepEqual(replication.unusedSlots, []);
    assert.deepEqual(replication.standbys.map(({ isSynchronous }) => isSynchronous), [false]);
    assert.ok(replication.standbys[0].lagBytes >= 0);
    assert.deepEqual((await readCondition(reader)).replication.standbys, []);
    await execute("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()");
    const synchronous = await become((now) => now.replication.standbys.some(({ isSynchronous }) => isSynchronous));
    assert.equal(synchronous.replication.synchronousNames, "*");
    await execute("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()");
    const hosts = [standby.address, node.address, { port: 1 }].map(({ port }) => ({ host: "127.0.0.1", port }));
    const probed = await probeHosts({ ...access, address: { ...access.address, hosts } }, patience);
    assert.deepEqual(probed.map(({ state }) => state), ["standby", "primary", "unusable"]);
    assert.match(probed[2].obstacle!.message, /^Cannot reach the database 127\.0\.0\.1:1\/chatd\?schema=condition: /);
  }
  const { replication: { unusedSlots } } = await become((now) => now.replication.unusedSlots.length === 1);
  assert.equal(unusedSlots[0].name, "replica");
  assert.ok(unusedSlots[0].keptBytes >= 0);
  await execute("SELECT pg_drop_replication_slot('replica')");
});

Deno.test("a large table that is often read as a whole is found", async () => {
  await execute(
    "CREATE TABLE condition.large AS SELECT n FROM generate_series(1, 100000) n",
    "DO $$ BEGIN FOR i IN 1..100 LOOP PERFORM FROM condition.large WHERE n = 0; END LOOP; END $$",
  );
  const { scans: [{ table, count, since }] } = await become((now) => now.scans.length > 0);
  assert.deepEqual([table, count >= 100, since], ["large", true, undefined]);
  await execute("DROP TABLE condition.large");
});
