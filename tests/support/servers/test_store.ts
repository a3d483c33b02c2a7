import type { Change, ChangeResult } from "../../../src/core/messages/message_store.ts";
import type { PlainBatch } from "../../../src/core/messages/plain_batch.ts";
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

/** A log that a test can make fail. */
export class TestMessageStore extends SqliteMessageStore {
  /** When set, commits fail with it and change nothing, as on a full disk. */
  commitError: unknown;

  override async commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    if (this.commitError !== undefined) throw this.commitError;
    return await super.commit(changes);
  }

  override async commitPlain(batch: PlainBatch): Promise<boolean> {
    if (this.commitError !== undefined) throw this.commitError;
    return await super.commitPlain(batch);
  }
}

/** The real store on a database in memory. Its owner closes it. */
export class TestStore<Messages extends TestMessageStore = TestMessageStore> implements Disposable {
  readonly messages: Messages;
  readonly accounts: SqliteAccountStore;
  readonly rooms: SqliteRoomStore;
  readonly settings: SqliteSettingsStore;
  /** Finds what is committed, at once. */
  readonly search: MessageSearch;
  readonly erasure: SqliteErasureStore;
  readonly deviceCleanup: SqliteDeviceCleanup;
  /** Their contents would go into a folder that does not exist. */
  readonly files: SqliteFileStore;
  readonly #database: Database;

  private constructor(database: Database, messages: Messages) {
    this.#database = database;
    this.messages = messages;
    messages.beginIncarnation();
    this.accounts = new SqliteAccountStore(database, { onRenamed: () => messages.forgetNames() });
    this.rooms = new SqliteRoomStore(database, { onDeleted: () => messages.forgetNames() });
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

  static open(): TestStore {
    return TestStore.openWith((database) => new TestMessageStore(database));
  }

  /** With a log of the test's own making. */
  static openWith<Messages extends TestMessageStore>(messages: (database: Database) => Messages): TestStore<Messages> {
    return TestStore.openOn(Database.openInMemory(), messages);
  }

  /** On a database that the store closes. */
  static openOn<Messages extends TestMessageStore>(
    database: Database,
    messages: (database: Database) => Messages,
  ): TestStore<Messages> {
    return new TestStore(database, messages(database));
  }

  /** Idempotent. */
  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
