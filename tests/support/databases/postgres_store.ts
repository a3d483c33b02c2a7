import type { DatabaseAccess } from "../../../src/store/postgres/connection/database_address.ts";
import { Connection } from "../../../src/store/postgres/connection/connection.ts";
import { Database, type DatabaseOptions } from "../../../src/store/postgres/connection/database.ts";
import { takeLease } from "../../../src/store/postgres/connection/lease.ts";
import {
  PostgresMessageStore,
  type PostgresMessageStoreOptions,
} from "../../../src/store/postgres/log/postgres_message_store.ts";
import { PostgresAccountStore } from "../../../src/store/postgres/postgres_account_store.ts";
import { PostgresDeviceCleanup } from "../../../src/store/postgres/postgres_device_cleanup.ts";
import { PostgresErasureStore } from "../../../src/store/postgres/postgres_erasure_store.ts";
import { PostgresFileStore } from "../../../src/store/postgres/postgres_file_store.ts";
import { PostgresRetentionStore } from "../../../src/store/postgres/postgres_retention_store.ts";
import { PostgresRoomStore } from "../../../src/store/postgres/postgres_room_store.ts";
import { PostgresSettingsStore } from "../../../src/store/postgres/postgres_settings_store.ts";
import { openTemporarySchema } from "./temporary_schema.ts";

/** The schema of this process, which the node takes with it. Made before the first test, to which it would seem a leak. */
export const { access } = await openTemporarySchema();

/** Longer than any test. */
const leaseMs = 3_600_000;

/**
 * Removes all rows, past foreign keys and fences, and numbers from 1 again; but not the generations of the lease, so that a
 * backend which has not ended yet writes nothing.
 */
const emptyTables = `
SET session_replication_role = replica;
DO $$
DECLARE name text;
BEGIN
  FOR name IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
    AND c.relname NOT IN ('schema_version', 'lease')
  LOOP
    EXECUTE format('DELETE FROM %I', name);
  END LOOP;
  FOR name IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'S'
  LOOP
    EXECUTE format('ALTER SEQUENCE %I RESTART', name);
  END LOOP;
END $$;
INSERT INTO log DEFAULT VALUES;
UPDATE lease SET node = DEFAULT, token = DEFAULT, until = DEFAULT;
INSERT INTO search_cursor DEFAULT VALUES;
`;

/** Empties a schema, that of this process unless given. */
export async function emptySchema(emptied: DatabaseAccess = access): Promise<DatabaseAccess> {
  await using connection = await Connection.open(emptied, { name: "test", statementTimeoutMs: 0 });
  await connection.execute(emptyTables);
  return emptied;
}

/** Empties the schema of this process and takes its lease. */
export async function leaseEmptySchema(): Promise<DatabaseOptions> {
  await emptySchema();
  await using connection = await Connection.open(access, { name: "test" });
  const claim = { node: "test", token: crypto.randomUUID(), lastsMs: leaseMs };
  return { access, generation: (await takeLease(connection, claim))! };
}

/** Opens the empty database of this process with the lease. One is open at a time. */
export async function openEmptyDatabase(): Promise<Database> {
  return await Database.open(await leaseEmptySchema());
}

/** Opens the stores in a database, as a server does. The caller closes `messages` before the database. */
export async function openStores(database: Database, options: PostgresMessageStoreOptions = {}) {
  const messages = await PostgresMessageStore.open(database, options);
  return {
    messages,
    accounts: new PostgresAccountStore(database, messages),
    rooms: new PostgresRoomStore(database, { onDeleted: () => messages.forgetNames() }),
    settings: new PostgresSettingsStore(database),
    deviceCleanup: new PostgresDeviceCleanup(database),
    retention: new PostgresRetentionStore(database),
    erasure: new PostgresErasureStore(database),
    files: new PostgresFileStore(database),
  };
}

/** An empty store in PostgreSQL, like `openTemporaryStore`. One is open at a time. */
export async function openPostgresStore(options: PostgresMessageStoreOptions = {}) {
  const database = await openEmptyDatabase();
  const stores = await openStores(database, options);
  const close = async () => {
    await stores.messages.close();
    await database.close();
  };
  return { database, ...stores, close };
}
