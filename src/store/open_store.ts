import { type Log, silentLog } from "../core/log.ts";
import { prepareDataFolder } from "./data_folder.ts";
import { Database, databasePath } from "./sqlite/database.ts";
import { HeadsWriter } from "./sqlite/log/heads_writer.ts";
import { SqliteMessageStore } from "./sqlite/log/sqlite_message_store.ts";
import { Indexer } from "./sqlite/search/indexer.ts";
import { SearchIndex } from "./sqlite/search/search_index.ts";
import { SqliteAccountStore } from "./sqlite/sqlite_account_store.ts";
import { SqliteAuditLog } from "./sqlite/sqlite_audit_log.ts";
import { SqliteClockStore } from "./sqlite/sqlite_clock_store.ts";
import { SqliteDeviceCleanup } from "./sqlite/sqlite_device_cleanup.ts";
import { SqliteErasureStore } from "./sqlite/sqlite_erasure_store.ts";
import { SqliteFileStore } from "./sqlite/sqlite_file_store.ts";
import { SqliteRetentionStore } from "./sqlite/sqlite_retention_store.ts";
import { SqliteRoomStore } from "./sqlite/sqlite_room_store.ts";
import { SqliteSettingsStore } from "./sqlite/sqlite_settings_store.ts";
import { PlainWriter } from "./sqlite/writer/plain_writer.ts";
import { WriterThread, type WriterThreadOptions } from "./sqlite/writer/writer_thread.ts";
import type { Store } from "./store.ts";

/** A store in a data folder, which answers at once. */
export interface SqliteStore extends Store, Disposable {
  beginServing(): void;
  close(): void;
}

export interface OpenStoreOptions {
  readonly folder: string;
  readonly log?: Log;
  /** Has messages written in a thread when many arrive. */
  readonly writer?: Pick<WriterThreadOptions, "entry" | "onDied"> & {
    /** Reports whether the thread may start now. */
    mayStart(): boolean;
  };
}

/**
 * Opens the database in `folder`, creating both if necessary. The caller holds the folder's lock (`lockFolder`) until
 * it has closed the store.
 * @throws {ChatError} `invalid_argument` if the database is damaged or another program's, `unsupported_version` if it
 * is from a newer chatd, `permission_denied` if the folder cannot be used, `storage_full`
 *
 * @example
 * ```ts
 * import { lockFolder } from "./folder_lock.ts";
 *
 * using _lock = lockFolder("./data");
 * using store = openStore({ folder: "./data" });
 * console.log(await store.accounts.listUsers({ after: "", limit: 10 }));
 * ```
 */
export function openStore({ folder, log = silentLog, writer: thread }: OpenStoreOptions): SqliteStore {
  prepareDataFolder(folder);
  const database = Database.open(folder);
  const path = databasePath(folder);
  const onNotStarted = (error: Error) => {
    log.error("messages are written without a thread until the server starts again", { error });
  };
  const writer = new PlainWriter(database, {
    startThread: () => thread?.mayStart() ? new WriterThread({ ...thread, path, onNotStarted }) : undefined,
  });
  const messages = new SqliteMessageStore(database, { writer });
  const indexer = new Indexer({ database, index: new SearchIndex(database), head: () => messages.head, log });
  const headsWriter = new HeadsWriter({ database, log });
  const close = () => {
    indexer.close();
    headsWriter.close();
    writer.close();
    database.close();
  };
  return {
    messages,
    accounts: new SqliteAccountStore(database, { onRenamed: () => messages.forgetNames() }),
    audit: new SqliteAuditLog(database),
    rooms: new SqliteRoomStore(database, { onDeleted: () => messages.forgetNames() }),
    retention: new SqliteRetentionStore(database, { spentIds: messages.spentIds }),
    clock: new SqliteClockStore(database),
    erasure: new SqliteErasureStore(database),
    deviceCleanup: new SqliteDeviceCleanup(database),
    files: new SqliteFileStore(database, { folder: `${folder}/files` }),
    settings: new SqliteSettingsStore(database),
    indexer,
    fileBytes: () => ({ database: Deno.statSync(path).size, log: database.logBytes }),
    beginServing: () => {
      messages.beginIncarnation();
      database.allocateLog();
    },
    close,
    [Symbol.dispose]: close,
  };
}
