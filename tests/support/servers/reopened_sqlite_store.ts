import assert from "node:assert/strict";
import { Database } from "../../../src/store/sqlite/database.ts";
import type { HeadsOptions } from "../../../src/store/sqlite/log/heads.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { SqliteRetentionStore } from "../../../src/store/sqlite/sqlite_retention_store.ts";
import { SqliteRoomStore } from "../../../src/store/sqlite/sqlite_room_store.ts";
import { SqliteSettingsStore } from "../../../src/store/sqlite/sqlite_settings_store.ts";
import { temporaryFolder } from "../checks/temporary_folder.ts";
import type { ReopenedStore } from "./reopened_store.ts";

export class ReopenedSqliteStore implements ReopenedStore {
  readonly #folder = temporaryFolder();
  readonly #options: HeadsOptions;
  #database!: Database;
  messages!: SqliteMessageStore;
  rooms!: SqliteRoomStore;
  accounts!: SqliteAccountStore;
  settings!: SqliteSettingsStore;
  retention!: SqliteRetentionStore;

  constructor(options: HeadsOptions) {
    this.#options = options;
    this.#open();
  }

  #open(): void {
    const database = this.#database = Database.open(this.#folder.path, this.#options);
    // The heads that a crash loses are in the entries, so no entry may go before they are written.
    database.prepare(
      `CREATE TEMP TRIGGER head_lost BEFORE DELETE ON main.entry WHEN old.position > (SELECT heads_through FROM main.log)
       BEGIN SELECT RAISE(ABORT, 'an entry was removed before its head was written'); END`,
    ).run();
    const messages = this.messages = new SqliteMessageStore(database);
    this.rooms = new SqliteRoomStore(database, { onDeleted: () => messages.forgetNames() });
    this.accounts = new SqliteAccountStore(database, { onRenamed: () => messages.forgetNames() });
    this.settings = new SqliteSettingsStore(database);
    this.retention = new SqliteRetentionStore(database, { spentIds: messages.spentIds });
  }

  reopen(): Promise<void> {
    this.#database.close();
    this.#open();
    return Promise.resolve();
  }

  /** Continues with a copy of the files. */
  crash(): Promise<void> {
    const path = `${this.#folder.path}/chatd.sqlite`;
    const copies = ["", "-wal"].map((end) => [path + end, Deno.readFileSync(path + end)] as const);
    this.#database.close();
    for (const [path, bytes] of copies) Deno.writeFileSync(path, bytes);
    this.#open();
    return Promise.resolve();
  }

  writeHeads(limit: number): Promise<void> {
    this.#database.writeHeads(Math.min(limit, this.#database.heads.unwritten));
    return Promise.resolve();
  }

  emptyLog(): void {
    assert.ok(this.#database.truncateLog());
    this.#database.allocateLog();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#database.close();
    this.#folder[Symbol.dispose]();
    return Promise.resolve();
  }
}
