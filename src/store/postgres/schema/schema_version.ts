import { ChatError } from "../../../core/chat_error.ts";
import { Connection, type Queries } from "../connection/connection.ts";
import { type DatabaseAccess, type DatabaseAddress, showDatabase } from "../connection/database_address.ts";
import { isDenied, permissionError } from "../connection/postgres_error.ts";
import { createFences } from "./fence.ts";
import { functions } from "./functions.ts";
import { migrations } from "./migrations.ts";

/** The version of the schema that this program makes and uses. */
export const currentVersion = migrations.length;

/**
 * Returns the version of the schema; undefined if there is none.
 * @throws {ChatError} `invalid_argument` for a foreign one, `permission_denied` if the user may not read and write it
 */
export async function readVersion(queries: Queries, address: DatabaseAddress): Promise<number | undefined> {
  const [found] = await queries.query<{ tables: number; isMarked: boolean; isUsable: boolean }>(
    `SELECT count(*)::int AS tables,
       coalesce(bool_or(c.relname = 'schema_version' AND EXISTS (
         SELECT FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attname = 'version' AND a.atttypid = 'int'::regtype)), false) AS "isMarked",
       coalesce(bool_and(has_schema_privilege(n.oid, 'USAGE') AND (c.relkind <> 'r' OR
         has_table_privilege(c.oid, 'SELECT') AND (c.relname = 'schema_version' OR has_table_privilege(c.oid, 'INSERT')
           AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')))), true) AS "isUsable"
     FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid WHERE n.nspname = $1`,
    [address.schema],
  );
  if (found.tables === 0) return undefined;
  if (!found.isMarked) {
    throw new ChatError(
      "invalid_argument",
      `The schema "${address.schema}" of the database ${
        showDatabase(address)
      } belongs to another program: name another one with ?schema=NAME.`,
    );
  }
  if (!found.isUsable) {
    throw permissionError(address, `may not read and write the tables of the schema "${address.schema}"`);
  }
  const [{ version }] = await queries.query<{ version: number }>("SELECT version FROM schema_version");
  return version;
}

/**
 * Creates the schema, or migrates it to {@link currentVersion}. Nodes of the version before may serve meanwhile.
 * @returns the version before; undefined if there was none
 * @throws {ChatError} `unsupported_version` if a newer chatd migrated it; as `readVersion`
 */
export async function migrateSchema(access: DatabaseAccess): Promise<number | undefined> {
  await using connection = await Connection.open(access, { name: "migrate", statementTimeoutMs: 0 });
  try {
    return await migrateOn(connection, access.address);
  } catch (error) {
    if (!isDenied(error)) throw error;
    const reason = `may not make or change the tables: ${(error as Error).message}`;
    throw permissionError(access.address, reason, error);
  }
}

async function migrateOn(connection: Connection, address: DatabaseAddress): Promise<number | undefined> {
  await connection.execute("BEGIN");
  // Two nodes may start at the same time.
  await connection.query(`SELECT pg_advisory_xact_lock(${migrationKey(address)})`);
  const before = await readVersion(connection, address);
  if (before !== undefined && before > currentVersion) {
    throw new ChatError(
      "unsupported_version",
      `The database ${
        showDatabase(address)
      } has version ${before}, which a newer chatd made, and this one makes version ${currentVersion}: nothing was changed.`,
    );
  }
  // An administrator may have made it for a user who cannot.
  const isThere = await connection.query("SELECT FROM pg_namespace WHERE nspname = $1", [address.schema]);
  if (isThere.length === 0) await connection.execute(`CREATE SCHEMA "${address.schema}"`);
  if (before === undefined) {
    await connection.execute(
      "CREATE TABLE schema_version (version int NOT NULL); INSERT INTO schema_version VALUES (0)",
    );
  } // A step may change rows while a node serves.
  else await connection.query("SELECT set_config('chatd.generation', generation::text, true) FROM lease");
  for (const step of migrations.slice(before ?? 0)) await connection.execute(step);
  for (const each of functions) await connection.execute(each);
  await connection.execute(createFences);
  await connection.execute(`UPDATE schema_version SET version = ${currentVersion}`);
  await connection.execute("COMMIT");
  return before;
}

/**
 * Checks that this program can serve with the schema: its own version, or the next one.
 * @returns the version
 * @throws {ChatError} `not_found`, `unsupported_version`
 */
export async function requireVersion(queries: Queries, address: DatabaseAddress): Promise<number> {
  const version = await readVersion(queries, address);
  if (version === undefined) {
    throw new ChatError(
      "not_found",
      `The database ${showDatabase(address)} has no tables of chatd: make them with "chatd database init".`,
    );
  }
  if (version < currentVersion) {
    throw new ChatError(
      "unsupported_version",
      `The database ${
        showDatabase(address)
      } has version ${version}, and this chatd needs ${currentVersion}: run "chatd database migrate".`,
    );
  }
  if (version > currentVersion + 1) {
    throw new ChatError(
      "unsupported_version",
      `The database ${showDatabase(address)} has version ${version}, but this chatd supports versions up to ${
        currentVersion + 1
      }: use a newer chatd.`,
    );
  }
  return version;
}

function migrationKey({ schema }: DatabaseAddress): string {
  return `1667785078, hashtext('${schema}')`;
}
