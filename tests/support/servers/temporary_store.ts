import type { Change, ChangeResult } from "../../../src/core/messages/message_store.ts";
import { Database } from "../../../src/store/sqlite/database.ts";
import type { BacklogOptions } from "../../../src/store/sqlite/log/backlog.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { SqliteDeviceCleanup } from "../../../src/store/sqlite/sqlite_device_cleanup.ts";
import { SqliteRoomStore } from "../../../src/store/sqlite/sqlite_room_store.ts";
import { SqliteSettingsStore } from "../../../src/store/sqlite/sqlite_settings_store.ts";
import { temporaryFolder } from "../checks/temporary_folder.ts";

export interface TemporaryStoreOptions extends BacklogOptions {
  /** Whether heads of conversations are written after each commit instead of never. */
  readonly writesHeads?: boolean;
}

/** A log that writes the heads of conversations after each commit. */
class WrittenHeadsStore extends SqliteMessageStore {
  readonly #database: Database;

  constructor(database: Database, options: BacklogOptions) {
    super(database, options);
    this.#database = database;
  }

  override async commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    const results = await super.commit(changes);
    this.#database.writeHeads();
    return results;
  }
}

/** A store in a folder of its own, which goes when the store is closed. Its heads stay unwritten by default. */
export function openTemporaryStore({ writesHeads = false, ...options }: TemporaryStoreOptions = {}) {
  const folder = temporaryFolder();
  const database = Database.open(folder.path);
  const close = () => {
    database.close();
    folder[Symbol.dispose]();
  };
  const messages = writesHeads ? new WrittenHeadsStore(database, options) : new SqliteMessageStore(database, options);
  return {
    database,
    messages,
    accounts: new SqliteAccountStore(database, { onRenamed: () => messages.forgetNames() }),
    rooms: new SqliteRoomStore(database, { onDeleted: () => messages.forgetNames() }),
    settings: new SqliteSettingsStore(database),
    deviceCleanup: new SqliteDeviceCleanup(database),
    close,
  };
}
