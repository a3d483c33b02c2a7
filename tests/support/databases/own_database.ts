import { Connection } from "../../../src/store/postgres/connection/connection.ts";
import type { DatabaseAccess } from "../../../src/store/postgres/connection/database_address.ts";
import { migrateSchema } from "../../../src/store/postgres/schema/schema_version.ts";
import { eventually } from "../waiting/eventually.ts";
import { access as shared, emptySchema } from "./postgres_store.ts";

/** A database of this file alone, for tests that end connections: others use the same node meanwhile. */
const access = await makeDatabase();

/** Empties the database of this file. */
export async function emptyOwnDatabase(): Promise<DatabaseAccess> {
  return await emptySchema(access);
}

/** Ends connections to the database of this file whose names begin like this, and waits until they have ended. */
export async function endConnections(name: string): Promise<void> {
  await using connection = await Connection.open(access, { name: "test" });
  const ended = await connection.query<{ pid: number }>(
    `SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name LIKE $1`,
    [`${name}%`],
  );
  // A node may have replaced them already.
  const pids = ended.map(({ pid }) => pid);
  const left = "SELECT FROM pg_stat_activity WHERE pid = ANY($1::int[])";
  await eventually(async () => (await connection.query(left, [pids])).length === 0);
}

async function makeDatabase(): Promise<DatabaseAccess> {
  const name = shared.address.schema;
  await using connection = await Connection.open(shared, { name: "test", statementTimeoutMs: 0 });
  await connection.execute(`CREATE DATABASE ${name} TEMPLATE template0`);
  const own = { ...shared, address: { ...shared.address, database: name } };
  await migrateSchema(own);
  return own;
}
