import type { ChatError } from "../../core/chat_error.ts";
import type { Log } from "../../core/log.ts";
import type { MessageSearch } from "../../core/search/message_search.ts";
import type { Store } from "../store.ts";
import { Database, type DatabaseOptions } from "./connection/database.ts";
import { DatabaseSize } from "./connection/database_size.ts";
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
import { Statistics } from "./statistics.ts";

/** A store in a database, of which this node holds the lease. */
export interface PostgresStore extends Store {
  readonly search: MessageSearch;
  readonly database: Database;
  /** See {@link Database.lost}. */
  readonly lost: Promise<ChatError>;
  beginServing(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the store of a node that holds the lease of `generation`.
 * @throws {ChatError} as `connectError` says
 */
export async function openPostgresStore(
  { log, ...options }: DatabaseOptions & { readonly log: Log },
): Promise<PostgresStore> {
  await using opened = new AsyncDisposableStack();
  const database = opened.use(await Database.open(options));
  const messages = await PostgresMessageStore.open(database, { log });
  opened.defer(() => messages.close());
  database.expect(messages.heads);
  const statistics = await Statistics.open(database, { log });
  opened.defer(() => statistics.close());
  messages.heads.onMoved = (head) => statistics.noteHead(head);
  const index = opened.use(await PostgresSearchIndex.open(database));
  const indexer = opened.use(new PostgresIndexer({ index, head: () => messages.head, log }));
  const search = opened.use(new PostgresSearch(database));
  const clock = await PostgresClockStore.open(database);
  const size = new DatabaseSize(database);
  const kept = opened.move();
  return {
    messages,
    accounts: new PostgresAccountStore(database, messages),
    audit: new PostgresAuditLog(database),
    rooms: new PostgresRoomStore(database, { onDeleted: () => messages.forgetNames() }),
    retention: new PostgresRetentionStore(database),
    clock,
    erasure: new PostgresErasureStore(database),
    deviceCleanup: new PostgresDeviceCleanup(database),
    files: new PostgresFileStore(database),
    settings: new PostgresSettingsStore(database),
    search,
    database,
    indexer,
    lost: database.lost,
    fileBytes: () => ({ database: size.bytes, log: 0 }),
    beginServing: () => messages.beginIncarnation(),
    close: () => kept.disposeAsync(),
  };
}
