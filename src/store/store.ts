import type { AccountStore } from "../core/accounts/account_store.ts";
import type { DeviceCleanupStore } from "../core/accounts/device_cleanup.ts";
import type { AuditStore } from "../core/audit/audit.ts";
import type { ClockStore } from "../core/clock_guard.ts";
import type { FileStore } from "../core/files/file_store.ts";
import type { ErasureStore } from "../core/messages/erasure.ts";
import type { ExclusiveMessageStore } from "../core/messages/message_store.ts";
import type { RetentionStore } from "../core/messages/retention_store.ts";
import type { SettingsStore } from "../core/people/settings_store.ts";
import type { RoomStore } from "../core/rooms/room_store.ts";

/** An open store, owned by its opener, in a data folder or in a database. */
export interface Store {
  readonly messages: ExclusiveMessageStore;
  readonly accounts: AccountStore;
  readonly audit: AuditStore;
  readonly rooms: RoomStore;
  readonly files: FileStore;
  readonly settings: SettingsStore;
  readonly indexer: SearchIndexer;
  readonly retention: RetentionStore;
  readonly clock: ClockStore;
  readonly erasure: ErasureStore;
  readonly deviceCleanup: DeviceCleanupStore;
  /** Sizes of the database and its write-ahead log, in bytes; 0 where they are not known. */
  fileBytes(): { database: number; log: number };
  /**
   * Must be called before clients are served, whose positions refer to this opening.
   * @throws {ChatError} `storage_full`
   */
  beginServing(): void | Promise<void>;
  /** Idempotent. Later calls of other methods fail. */
  close(): void | Promise<void>;
}

/** Indexes the log for search from its start until the store is closed. */
export interface SearchIndexer {
  /** The number of entries that are not indexed yet. */
  readonly lag: number;
  /** Resumes where the last run ended, and indexes new entries from now on. */
  start(): void;
}
