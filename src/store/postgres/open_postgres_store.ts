import type { Log } from "../../core/log.ts";
import { Database, type DatabaseOptions } from "./connection/database.ts";
import { PostgresMessageStore } from "./log/postgres_message_store.ts";
import { PostgresAccountStore } from "./postgres_account_store.ts";
import { PostgresAuditLog } from "./postgres_audit_log.ts";
import { PostgresClockStore } from "./postgres_clock_store.ts";
import { PostgresDeviceCleanup } from "./postgres_device_cleanup.ts";
import { PostgresErasureStore } from "./postgres_erasure_store.ts";
import { PostgresFileStore } from "./postgres_file_store.ts";
import { PostgresRetentionStore } from "./postgres_retention_store.ts";
import { PostgresRoomStore } from "./postgres_room_store.ts";
import { PostgresSettingsStore } from "./postgres_settings_store.ts";
import { PostgresIndexer } from "./search/postgres_indexer.ts";
import { PostgresSearch } from "./search/postgres_search.ts";
import { PostgresSearchIndex } from "./search/postgres_search_index.ts";

/**
 * Opens the store of a node that holds the lease of `generation`.
 * @throws {ChatError} as `connectError` says
 */
export async function openPostgresStore({ log, ...options }: DatabaseOptions & { log: Log }) {
  await using opened = new AsyncDisposableStack();
  const database = opened.use(await Database.open(options));
  const messages = await PostgresMessageStore.open(database, { log });
  opened.defer(() => messages.close());
  const index = opened.use(await PostgresSearchIndex.open(database));
  const indexer = opened.use(new PostgresIndexer({ index, head: () => messages.head, log }));
  const search = opened.use(new PostgresSearch(database));
  const kept = opened.move();
  return {
    messages,
    accounts: new PostgresAccountStore(database, messages),
    audit: new PostgresAuditLog(database),
    rooms: new PostgresRoomStore(database, { onDeleted: () => messages.forgetNames() }),
    retention: new PostgresRetentionStore(database),
    clock: await PostgresClockStore.open(database),
    erasure: new PostgresErasureStore(database),
    deviceCleanup: new PostgresDeviceCleanup(database),
    files: new PostgresFileStore(database),
    settings: new PostgresSettingsStore(database),
    search,
    indexer,
    lost: database.lost,
    beginServing: () => messages.beginIncarnation(),
    close: () => kept.disposeAsync(),
  };
}
