import assert from "node:assert/strict";
import { examinePostgres } from "../../../src/commands/doctor/database.ts";
import { Connection, connectToHost, endClient } from "../../../src/store/postgres/connection/connection.ts";
import type { DatabaseAccess } from "../../../src/store/postgres/connection/database_address.ts";
import { PgBouncer } from "../../support/databases/pgbouncer.ts";
import { accessTo, PostgresNode } from "../../support/databases/postgres_node.ts";
import { migrateSchema } from "../../../src/store/postgres/schema/schema_version.ts";

/** The node of this file. Started before the first test, to which it would seem a leak. */
const node = await PostgresNode.start({ isDurable: true });
const access = accessTo(node.address, "chatd");

/** The findings about a database, each as its kind and text. */
async function examine({ address, password }: DatabaseAccess): Promise<string[]> {
  const found = examinePostgres({ database: { url: { address, password } }, maxDiskBytes: undefined });
  return await Array.fromAsync(found, ({ kind, what }) => `${kind}: ${what}`);
}

/** The findings that are not ok. */
async function doubts(examined: DatabaseAccess): Promise<string[]> {
  return (await examine(examined)).filter((finding) => !finding.startsWith("ok: "));
}

function at(...ports: number[]): DatabaseAccess {
  return { ...access, address: { ...access.address, hosts: ports.map((port) => ({ host: "127.0.0.1", port })) } };
}

async function execute(statement: string): Promise<void> {
  await using connection = await Connection.open(access, { name: "test" });
  await connection.execute(statement);
}

Deno.test("doctor finds missing tables, then those of another version, and else what nodes need", async () => {
  assert.match(
    (await examine(access)).join("\n"),
    /^problem: .*has no tables of chatd: make them with "chatd database/,
  );
  await migrateSchema(access);
  assert.deepEqual(await doubts(access), ["warning: no node serves"]);
  await execute("UPDATE chatd.schema_version SET version = version - 1");
  assert.match((await examine(access)).join("\n"), /^problem: .* run "chatd database migrate"/);
  await execute("UPDATE chatd.schema_version SET version = version + 3");
  assert.match((await examine(access)).join("\n"), /^problem: .* use a newer chatd/);
  await execute("UPDATE chatd.schema_version SET version = version - 2");
});

Deno.test("doctor finds a pooler in transaction mode", async () => {
  const ignoredParameters = ["options", "statement_timeout", "idle_in_transaction_session_timeout"];
  await using pooler = await PgBouncer.start(node.address, { poolMode: "transaction", ignoredParameters });
  assert.match((await doubts(at(pooler.address.port))).join("\n"), /^problem: .* through this pooler/);
});

Deno.test("doctor finds a database that may only be read", async () => {
  await execute("ALTER ROLE chatd IN DATABASE chatd SET default_transaction_read_only = on");
  assert.match((await doubts(access)).join("\n"), /^problem: .*its transactions may only read/);
  await using connection = await Connection.open(access, { name: "test" });
  await connection.execute("SET default_transaction_read_only = off");
  await connection.execute("ALTER ROLE chatd IN DATABASE chatd RESET default_transaction_read_only");
});

Deno.test("doctor goes past a host that accepts connections and never answers", async () => {
  const sockets: Deno.TcpConn[] = [];
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = (async () => {
    for await (const socket of silent) sockets.push(socket);
  })();
  const { port } = silent.addr;
  await migrateSchema(access);
  const [slow, ...others] = await doubts(at(port, node.address.port));
  assert.match(slow, /^warning: Cannot reach the database 127\.0\.0\.1:\d+\/chatd: timeout expired\.$/);
  assert.deepEqual(others, ["warning: no node serves"]);
  assert.match((await doubts(at(port))).join("\n"), /^problem: Cannot reach the database .*: timeout expired\.$/);
  silent.close();
  await accepting;
  for (const socket of sockets) socket.close();
});

Deno.test("doctor finds two primaries, and not one behind two addresses", async () => {
  await migrateSchema(access);
  assert.deepEqual(await doubts(at(node.address.port, node.address.port)), ["warning: no node serves"]);
  await using standby = await PostgresNode.start({ standbyOf: node.address });
  const alone = at(standby.address.port);
  {
    const { client } = await connectToHost(alone, { name: "test", host: alone.address.hosts[0] });
    await client.query("SELECT pg_promote()");
    await endClient(client);
  }
  const found = await doubts(at(node.address.port, standby.address.port));
  assert.match(found[0], /^problem: 127\.0\.0\.1:\d+ and 127\.0\.0\.1:\d+ are both primaries/);
});
