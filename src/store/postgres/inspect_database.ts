import { Connection } from "./connection/connection.ts";
import { type DatabaseAccess, showDatabase } from "./connection/database_address.ts";
import { checkEngine, type CheckPatience, type EngineWarning } from "./connection/engine_check.ts";
import { findLeaseHolder, type LeaseHolder } from "./connection/lease.ts";
import { type ListedNode, listNodes } from "./nodes/node_row.ts";
import { currentVersion, migrateSchema, requireVersion } from "./schema/schema_version.ts";

/** A database that a node could serve from. */
export interface InspectedDatabase {
  /** The address, for people. */
  readonly where: string;
  /** The version of PostgreSQL, such as "15.18". */
  readonly server: string;
  /** The version of the tables. */
  readonly version: number;
  readonly warnings: readonly EngineWarning[];
  readonly holder: LeaseHolder;
}

/** Checks all that a node checks at its start, and changes nothing. @throws {ChatError} if a node could not serve */
export async function inspectDatabase(
  access: DatabaseAccess,
  patience: CheckPatience = {},
): Promise<InspectedDatabase> {
  const warnings = await checkEngine(access, patience);
  await using connection = await Connection.open(access, { name: "check", ...patience });
  const version = await requireVersion(connection, access.address);
  const [{ server }] = await connection.query<{ server: string }>(
    "SELECT split_part(current_setting('server_version'), ' ', 1) AS server",
  );
  const holder = await findLeaseHolder(connection);
  return { where: showDatabase(access.address), server, version, warnings, holder };
}

/**
 * Makes or updates the tables, in a database that chatd can use.
 * @returns the version before, undefined if there were no tables, and the one after
 * @throws {ChatError} as `checkEngine` and `migrateSchema` say
 */
export async function migrateDatabase(
  access: DatabaseAccess,
): Promise<{ where: string; before: number | undefined; version: number }> {
  await checkEngine(access);
  return { where: showDatabase(access.address), before: await migrateSchema(access), version: currentVersion };
}

/** Lists the nodes of a database. @throws {ChatError} if it cannot be read */
export async function listNodesOf(access: DatabaseAccess): Promise<ListedNode[]> {
  await using connection = await Connection.open(access, { name: "check" });
  await requireVersion(connection, access.address);
  return await listNodes(connection);
}
