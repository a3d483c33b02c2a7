import type { AccountStore } from "../../../src/core/accounts/account_store.ts";
import type { DeviceCleanupStore } from "../../../src/core/accounts/device_cleanup.ts";
import type { FileStore } from "../../../src/core/files/file_store.ts";
import type { ErasureStore } from "../../../src/core/messages/erasure.ts";
import type { SettingsStore } from "../../../src/core/people/settings_store.ts";
import type { RoomStore } from "../../../src/core/rooms/room_store.ts";
import type { MessageSearch } from "../../../src/core/search/message_search.ts";
import { Database } from "../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { MessageFinder } from "../../../src/store/sqlite/search/message_finder.ts";
import { SearchIndex } from "../../../src/store/sqlite/search/search_index.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { SqliteDeviceCleanup } from "../../../src/store/sqlite/sqlite_device_cleanup.ts";
import { SqliteErasureStore } from "../../../src/store/sqlite/sqlite_erasure_store.ts";
import { SqliteFileStore } from "../../../src/store/sqlite/sqlite_file_store.ts";
import { SqliteRoomStore } from "../../../src/store/sqlite/sqlite_room_store.ts";
import { SqliteSettingsStore } from "../../../src/store/sqlite/sqlite_settings_store.ts";
import type { PlainWriter } from "../../../src/store/sqlite/writer/plain_writer.ts";
import { type OpenedLog, TestMessageStore } from "./test_message_store.ts";

/** The stores of a chat. Their owner closes them. */
export interface ChatStore<Messages extends TestMessageStore = TestMessageStore> {
  readonly messages: Messages;
  readonly accounts: AccountStore;
  readonly rooms: RoomStore;
  readonly settings: SettingsStore;
  /** Finds what is committed, at once. */
  readonly search: MessageSearch;
  readonly erasure: ErasureStore;
  readonly deviceCleanup: DeviceCleanupStore;
  readonly files: FileStore;
  /** Idempotent. */
  close(): void | Promise<void>;
}

/** Opens an empty store, with a log of the test's own making. */
export type OpenChatStore = <Messages extends TestMessageStore>(
  makeLog: (log: OpenedLog) => Messages,
) => ChatStore<Messages> | Promise<ChatStore<Messages>>;

/** The stores on a database in memory. Their owner closes them. */
export class TestStore<Messages extends TestMessageStore = TestMessageStore>
  implements ChatStore<Messages>, Disposable {
  readonly messages: Messages;
  readonly accounts: SqliteAccountStore;
  readonly rooms: SqliteRoomStore;
  readonly settings: SqliteSettingsStore;
  readonly search: MessageSearch;
  readonly erasure: SqliteErasureStore;
  readonly deviceCleanup: SqliteDeviceCleanup;
  /** Their contents would go into a folder that does not exist. */
  readonly files: SqliteFileStore;
  readonly #database: Database;

  private constructor(database: Database, log: SqliteMessageStore, makeLog: (log: OpenedLog) => Messages) {
    this.#database = database;
    const messages = this.messages = makeLog(log);
    void messages.beginIncarnation();
    this.accounts = new SqliteAccountStore(database, { onRenamed: () => log.forgetNames() });
    this.rooms = new SqliteRoomStore(database, { onDeleted: () => log.forgetNames() });
    this.settings = new SqliteSettingsStore(database);
    const index = new SearchIndex(database);
    const finder = new MessageFinder(database);
    this.search = {
      find: (request) => {
        while (index.takeTurn({ head: messages.head, turnMs: 1_000, maxEntries: 1_000 }));
        return Promise.resolve(finder.find(request));
      },
    };
    this.erasure = new SqliteErasureStore(database);
    this.deviceCleanup = new SqliteDeviceCleanup(database);
    this.files = new SqliteFileStore(database, { folder: "/nonexistent/files of a test" });
  }

  /** @param database closed by the store; a new one in memory unless given */
  static open(database = Database.openInMemory()): TestStore {
    return TestStore.openWith((log) => new TestMessageStore(log), { database });
  }

  /** With a log of the test's own making. */
  static openWith<Messages extends TestMessageStore>(
    makeLog: (log: OpenedLog) => Messages,
    { database = Database.openInMemory(), writer }: { database?: Database; writer?: PlainWriter } = {},
  ): TestStore<Messages> {
    return new TestStore(database, new SqliteMessageStore(database, { writer }), makeLog);
  }

  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
