import { Connection } from "../../../src/store/postgres/connection/connection.ts";
import type { DatabaseAccess } from "../../../src/store/postgres/connection/database_address.ts";
import { migrateSchema } from "../../../src/store/postgres/schema/schema_version.ts";
import { accessTo, type PostgresAddress, PostgresNode } from "./postgres_node.ts";

/** The environment variable with the address of the run's node, in JSON; tests that find it unset start their own. */
export const postgresVariable = "TEST_POSTGRES";

/** A new schema with chatd's tables, which goes at the end of its scope, like the node of its own if it has one. */
export async function openTemporarySchema(): Promise<{ readonly access: DatabaseAccess } & AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  const access = await nameSchema(opened);
  await migrateSchema(access);
  opened.defer(() => execute(access, `DROP SCHEMA IF EXISTS ${access.address.schema} CASCADE`));
  const kept = opened.move();
  return { access, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** A new database with chatd's tables, for tests that look at all connections to it; it goes as the schema does. */
export async function openTemporaryDatabase(): Promise<{ readonly access: DatabaseAccess } & AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  const shared = await nameSchema(opened);
  const { schema: name } = shared.address;
  const access = { ...shared, address: { ...shared.address, database: name } };
  await execute(shared, `CREATE DATABASE ${name} TEMPLATE template0`);
  opened.defer(() => execute(shared, `DROP DATABASE ${name} WITH (FORCE)`));
  await migrateSchema(access);
  const kept = opened.move();
  return { access, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** The name of a schema that is not there yet; a node of its own goes with `opened`. */
export async function nameSchema(opened: AsyncDisposableStack): Promise<DatabaseAccess> {
  const shared = Deno.env.get(postgresVariable);
  const address: PostgresAddress = shared === undefined
    ? opened.use(await PostgresNode.start()).address
    : JSON.parse(shared);
  return accessTo(address, `test_${crypto.randomUUID().replaceAll("-", "")}`);
}

async function execute(access: DatabaseAccess, statement: string): Promise<void> {
  await using connection = await Connection.open(access, { name: "test", statementTimeoutMs: 0 });
  await connection.execute(statement);
}
