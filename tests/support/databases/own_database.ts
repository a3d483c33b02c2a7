import { Connection } from "../../../src/store/postgres/connection/connection.ts";
import type { DatabaseAccess } from "../../../src/store/postgres/connection/database_address.ts";
import { eventually } from "../waiting/eventually.ts";
import { emptySchema } from "./postgres_store.ts";
import { openTemporaryDatabase } from "./temporary_schema.ts";

/** The database of this process, which the node takes with it. Made before the first test, to which it would seem a leak. */
const { access } = await openTemporaryDatabase();

/** Empties the database of this process. */
export async function emptyOwnDatabase(): Promise<DatabaseAccess> {
  return await emptySchema(access);
}

/** Ends connections to the database of this process whose names begin like this, and waits until they have ended. */
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
