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
  opened.defer(() => dropSchema(access));
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

async function dropSchema(access: DatabaseAccess): Promise<void> {
  await using connection = await Connection.open(access, { name: "test" });
  await connection.execute(`DROP SCHEMA IF EXISTS ${access.address.schema} CASCADE`);
}
