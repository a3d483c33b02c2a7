import type { AccountStore } from "../core/account_store.ts";
import type { ErasureStore } from "../core/erasure.ts";
import type { FileStore } from "../core/file_store.ts";
import type { AuditStore } from "../core/audit.ts";
import type { MessageStore } from "../core/message_store.ts";
import type { RetentionStore } from "../core/retention_store.ts";
import type { RoomStore } from "../core/room_store.ts";
import type { SettingsStore } from "../core/settings_store.ts";
import { prepareDataFolder } from "./data_folder.ts";
import { Database } from "./database.ts";
import { SqliteAccountStore } from "./sqlite_account_store.ts";
import { SqliteErasureStore } from "./sqlite_erasure_store.ts";
import { SqliteFileStore } from "./sqlite_file_store.ts";
import { SqliteAuditLog } from "./sqlite_audit_log.ts";
import { SqliteMessageStore } from "./sqlite_message_store.ts";
import { SqliteRetentionStore } from "./sqlite_retention_store.ts";
import { SqliteRoomStore } from "./sqlite_room_store.ts";
import { SqliteSettingsStore } from "./sqlite_settings_store.ts";

/** An open store; whoever opened it closes it. */
export interface Store extends Disposable {
  readonly messages: MessageStore;
  readonly accounts: AccountStore;
  readonly audit: AuditStore;
  readonly rooms: RoomStore;
  readonly files: FileStore;
  readonly settings: SettingsStore;
  readonly retention: RetentionStore;
  readonly erasure: ErasureStore;
  /** Idempotent. Calls after it fail. */
  close(): void;
}

/**
 * Opens the database in `folder`, making both if there are none. The caller holds the folder's lock (`lockFolder`)
 * until it has closed the store.
 * @throws {ChatError} `unavailable` when the database is damaged, another program's or of a newer chatd; `permission_denied`
 * when the folder cannot be used; `storage_full`.
 */
export function openStore({ folder }: { folder: string }): Store {
  prepareDataFolder(folder);
  const database = Database.open(folder);
  const close = () => database.close();
  const rooms = new SqliteRoomStore(database);
  rooms.finishDeletions();
  const beforeErasing = () => {};
  const messages = new SqliteMessageStore(database);
  return {
    messages,
    accounts: new SqliteAccountStore(database, { onRenamed: () => messages.forgetNames() }),
    audit: new SqliteAuditLog(database),
    rooms,
    retention: new SqliteRetentionStore(database, { spentIds: messages.spentIds, beforeErasing }),
    erasure: new SqliteErasureStore(database, { beforeErasing }),
    files: new SqliteFileStore(database, { folder: `${folder}/files` }),
    settings: new SqliteSettingsStore(database),
    close,
    [Symbol.dispose]: close,
  };
}
