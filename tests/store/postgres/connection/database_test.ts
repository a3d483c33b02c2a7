import assert from "node:assert/strict";
import { Connection, type Queries } from "../../../../src/store/postgres/connection/connection.ts";
import { Database } from "../../../../src/store/postgres/connection/database.ts";
import type { DatabaseAccess } from "../../../../src/store/postgres/connection/database_address.ts";
import type { LeaseWatch } from "../../../../src/store/postgres/connection/held_lease.ts";
import { takeLease } from "../../../../src/store/postgres/connection/lease.ts";
import { migrateSchema } from "../../../../src/store/postgres/schema/schema_version.ts";
import { rejectsWith } from "../../../support/checks/chat_error_assertions.ts";
import { accessTo, PostgresNode } from "../../../support/databases/postgres_node.ts";
import { emptyOwnDatabase, endConnections } from "../../../support/databases/own_database.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const lastsMs = 3_600_000;

async function lead(access: DatabaseAccess): Promise<number> {
  await using connection = await Connection.open(access, { name: "test" });
  return (await takeLease(connection, { node: "test", token: crypto.randomUUID(), lastsMs }))!;
}

async function open(options: { lease?: LeaseWatch; patienceMs?: number } = {}) {
  const access = await emptyOwnDatabase();
  const database = await Database.open({ access, generation: await lead(access), ...options });
  return { access, database, [Symbol.asyncDispose]: () => database.close() };
}

/** Waits until a statement of this database sleeps so many seconds. */
async function asleep(connection: Connection, seconds: number): Promise<void> {
  const sleeping = `SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND query LIKE 'SELECT pg_sleep(${seconds})'`;
  await eventually(async () => (await connection.query(sleeping)).length === 1);
}

const addEpoch = "UPDATE log SET seen_at = coalesce(seen_at, 0) + 1 RETURNING seen_at::int AS count";

Deno.test("a connection for commits that was lost between commits is replaced", async () => {
  await using opened = await open();
  const { database } = opened;
  await database.commit(addEpoch);
  for (let round = 2; round < 5; round++) {
    await endConnections("chatd commit");
    await eventually(async () => (await database.commit<{ count: number }>(addEpoch))[0].count === round);
  }
});

Deno.test("after a commit of unknown outcome the database is lost, and gives out nothing any more", async () => {
  await using opened = await open();
  const { access, database } = opened;
  const commit = rejectsWith("unavailable", database.commit("SELECT pg_sleep(3600)"));
  await using connection = await Connection.open(access, { name: "test" });
  await asleep(connection, 3600);
  await endConnections("chatd commit");
  const error = await commit;
  assert.equal(await database.lost, error);
  await rejectsWith("unavailable", database.read("SELECT 1"));
  await rejectsWith("unavailable", database.write("SELECT 1"));
  await rejectsWith("unavailable", database.commit("SELECT 1"));
});

/** Counts the sockets of this process. */
function countSockets(): number {
  const links = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`);
    } catch {
      return "the folder itself, which is closed by now";
    }
  });
  return links.filter((link) => link.startsWith("socket:")).length;
}

Deno.test("a database is closed though its server is frozen", async () => {
  const access = await emptyOwnDatabase();
  await using connection = await Connection.open(access, { name: "test" });
  const before = countSockets();
  const database = await Database.open({ access, generation: await lead(access) });
  await Promise.all([database.read("SELECT 1"), database.write("SELECT 1"), database.search("SELECT 1")]);
  const backends = await connection.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity
     WHERE datname = current_database() AND application_name ~ '^chatd (commit|write|read|search)'`,
  );
  assert.ok(backends.length >= 4);
  for (const { pid } of backends) Deno.kill(pid, "SIGSTOP");
  try {
    await database.close();
    await eventually(() => countSockets() === before);
  } finally {
    for (const { pid } of backends) Deno.kill(pid, "SIGCONT");
  }
});

Deno.test("after a write of unknown outcome the database is lost", async () => {
  await using opened = await open();
  const { access, database } = opened;
  const write = rejectsWith("unavailable", database.write("SELECT pg_sleep(3601)"));
  await using connection = await Connection.open(access, { name: "test" });
  await asleep(connection, 3601);
  await endConnections("chatd write");
  assert.equal(await database.lost, await write);
});

Deno.test("a read whose connection is lost fails, and the next one gets another connection", async () => {
  await using opened = await open();
  const { access, database } = opened;
  const read = rejectsWith("unavailable", database.read("SELECT pg_sleep(3602)"));
  await using connection = await Connection.open(access, { name: "test" });
  await asleep(connection, 3602);
  await endConnections("chatd read");
  await read;
  assert.deepEqual(await database.read("SELECT 1 AS one"), [{ one: 1 }]);
  assert.deepEqual(await database.snapshot((queries) => queries.query("SELECT 2 AS two")), [{ two: 2 }]);
});

Deno.test("a connection that is lost between two statements of a transaction fails the transaction alone", async () => {
  await using opened = await open();
  const { database } = opened;
  const work = async (name: string, { query }: Queries) => {
    await query("SELECT 1");
    await endConnections(name);
    // Its end is noticed before the next statement.
    await eventually(() => query("SELECT 1").then(() => false, () => true));
    return await query("SELECT 1");
  };
  await rejectsWith("unavailable", database.snapshot((queries) => work("chatd read", queries)));
  await rejectsWith("unavailable", database.transaction((queries) => work("chatd write", queries)));
  assert.deepEqual(await database.snapshot(({ query }) => query("SELECT 1 AS one")), [{ one: 1 }]);
  assert.deepEqual(await database.write(addEpoch), [{ count: 1 }]);
});

Deno.test("a read on a connection that ends without a word fails alone", async () => {
  await using node = await PostgresNode.start();
  const access = accessTo(node.address, "chatd");
  await migrateSchema(access);
  await using database = await Database.open({ access, generation: await lead(access) });
  const [{ pid }] = await database.read<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const read = rejectsWith("unavailable", database.read("SELECT pg_sleep(3603)"));
  await using connection = await Connection.open(access, { name: "test" });
  await asleep(connection, 3603);
  Deno.kill(pid, "SIGKILL");
  await read;
  await connection.ended;
});

Deno.test("calls that wait for a connection when the database is closed end with it", async () => {
  const { access, database } = await open();
  const reads = Array.from({ length: 20 }, () => rejectsWith("unavailable", database.read("SELECT pg_sleep(0.05)")));
  const writes = Array.from({ length: 20 }, () => database.write<{ two: number }>("SELECT 2 AS two"));
  await database.close();
  await Promise.all(reads);
  assert.deepEqual((await Promise.all(writes)).flat(), Array(20).fill({ two: 2 }));
  await using connection = await Connection.open(access, { name: "test" });
  const there =
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'chatd write%'";
  await eventually(async () => (await connection.query(there)).length === 0);
});

Deno.test("a write that the fence refuses in a transaction is the last one", async () => {
  await using opened = await open();
  const { access, database } = opened;
  await using connection = await Connection.open(access, { name: "test" });
  await connection.query("UPDATE lease SET generation = generation + 1");
  const refused = await rejectsWith("unavailable", database.transaction(({ query }) => query(addEpoch)));
  assert.equal(await database.lost, refused);
});

Deno.test("a log with another head than before the connection was lost is another log", async () => {
  await using opened = await open();
  const { database } = opened;
  database.expect({ head: 7, restore: () => Promise.resolve() });
  await endConnections("chatd commit");
  const { cause } = await database.lost;
  assert.match(String(cause), /the log was at position 7 of timeline 00000001, and is at 0 of timeline 00000001/);
  await rejectsWith("unavailable", database.commit("SELECT 1"));
});

Deno.test("nothing is read or committed while the log is restored after a lost connection", async () => {
  await using opened = await open();
  const { database } = opened;
  await database.read("SELECT 1");
  const restoring = Promise.withResolvers<void>();
  const restored = Promise.withResolvers<void>();
  const restore = async ({ query }: Queries) => {
    restoring.resolve();
    await restored.promise;
    await query("UPDATE log SET seen_at = 7");
  };
  database.expect({ head: 0, restore });
  await endConnections("chatd commit");
  await restoring.promise;
  const seen = "SELECT seen_at AS seen FROM log";
  const results = Promise.all([
    database.read(seen),
    database.search(seen),
    database.snapshot(({ query }) => query(seen)),
    database.commit(seen),
  ]);
  restored.resolve();
  assert.deepEqual((await results).flat(), [{ seen: 7 }, { seen: 7 }, { seen: 7 }, { seen: 7 }]);
});

Deno.test("a write that the fence refuses is the last one", async () => {
  await using opened = await open();
  const { access, database } = opened;
  await using connection = await Connection.open(access, { name: "test" });
  await connection.query("UPDATE lease SET generation = generation + 1");
  assert.match((await rejectsWith("unavailable", database.write(addEpoch))).message, /Another server has taken over/);
  await database.lost;
  await rejectsWith("unavailable", database.read("SELECT 1"));
});

Deno.test("a failed statement undoes its transaction, and the connection is used again", async () => {
  await using opened = await open();
  const { database } = opened;
  for (let round = 0; round < 5; round++) {
    const failing = database.transaction(async (queries) => {
      await queries.query(addEpoch);
      await queries.query("SELECT 1 / 0");
    });
    await assert.rejects(failing, /division by zero/);
  }
  assert.deepEqual(await database.write(addEpoch), [{ count: 1 }]);
});

Deno.test("no statement reads with several processes, which would change the order of rows without one", async () => {
  await using opened = await open();
  const { database } = opened;
  const setting = "SELECT current_setting('max_parallel_workers_per_gather') AS workers";
  const settings = [await database.read(setting), await database.search(setting), await database.commit(setting)];
  assert.deepEqual(settings.flat(), [{ workers: "0" }, { workers: "0" }, { workers: "0" }]);
});

Deno.test("a read is given out only once the lease is confirmed", async () => {
  const asked = Promise.withResolvers<void>();
  const confirmed = Promise.withResolvers<void>();
  const confirm = () => {
    asked.resolve();
    return confirmed.promise;
  };
  await using opened = await open({ lease: { lost: new Promise(() => {}), confirm } });
  const { database } = opened;
  let isGivenOut = false;
  const read = database.read<{ one: number }>("SELECT 1 AS one").finally(() => isGivenOut = true);
  await asked.promise;
  assert.equal(isGivenOut, false);
  confirmed.resolve();
  assert.deepEqual(await read, [{ one: 1 }]);
});

Deno.test("a database that restarts between commits is used again, and one that stays away is lost", async () => {
  await using node = await PostgresNode.start({ isDurable: true });
  const access = accessTo(node.address, "chatd");
  await migrateSchema(access);
  await using database = await Database.open({ access, generation: await lead(access) });
  await database.commit(addEpoch);
  await node.stop();
  await node.boot();
  assert.deepEqual(await database.commit(addEpoch), [{ count: 2 }]);
  await eventually(() => database.read("SELECT 1").then(() => true, () => false));
  await using brief = await Database.open({ access, generation: 1, patienceMs: 500 });
  await node.stop();
  assert.equal((await brief.lost).code, "unavailable");
});
