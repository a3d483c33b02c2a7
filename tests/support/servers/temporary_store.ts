import { Database } from "../../../src/store/sqlite/database.ts";
import type { BacklogOptions } from "../../../src/store/sqlite/log/backlog.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { SqliteRoomStore } from "../../../src/store/sqlite/sqlite_room_store.ts";
import { SqliteSettingsStore } from "../../../src/store/sqlite/sqlite_settings_store.ts";
import { temporaryFolder } from "../checks/temporary_folder.ts";

/** A store in a folder of its own, which goes when the store is closed. */
export function openTemporaryStore(options: BacklogOptions = {}) {
  const folder = temporaryFolder();
  const database = Database.open(folder.path);
  const close = () => {
    database.close();
    folder[Symbol.dispose]();
  };
  const messages = new SqliteMessageStore(database, options);
  const head = () => messages.head;
  return {
    messages,
    accounts: new SqliteAccountStore(database, { onRenamed: () => messages.forgetNames() }),
    rooms: new SqliteRoomStore(database, { head, onDeleted: () => messages.forgetNames() }),
    settings: new SqliteSettingsStore(database, { head }),
    close,
  };
}
