import { Database, type DatabaseOptions } from "../../../src/store/postgres/connection/database.ts";
import type { HeadsOptions } from "../../../src/store/postgres/log/heads.ts";
import { PostgresMessageStore } from "../../../src/store/postgres/log/postgres_message_store.ts";
import { PostgresAccountStore } from "../../../src/store/postgres/postgres_account_store.ts";
import { PostgresRetentionStore } from "../../../src/store/postgres/postgres_retention_store.ts";
import { PostgresRoomStore } from "../../../src/store/postgres/postgres_room_store.ts";
import { PostgresSettingsStore } from "../../../src/store/postgres/postgres_settings_store.ts";
import type { ReopenedStore } from "../servers/reopened_store.ts";
import { leaseEmptySchema } from "./postgres_store.ts";

/** On the schema of this process, so that one is open at a time. */
export class ReopenedPostgresStore implements ReopenedStore {
  readonly #leased: DatabaseOptions;
  readonly #options: HeadsOptions;
  #database!: Database;
  messages!: PostgresMessageStore;
  rooms!: PostgresRoomStore;
  accounts!: PostgresAccountStore;
  settings!: PostgresSettingsStore;
  retention!: PostgresRetentionStore;

  private constructor(leased: DatabaseOptions, options: HeadsOptions) {
    this.#leased = leased;
    this.#options = options;
  }

  static async open(options: HeadsOptions): Promise<ReopenedPostgresStore> {
    const store = new ReopenedPostgresStore(await leaseEmptySchema(), options);
    await store.#open();
    return store;
  }

  async #open(): Promise<void> {
    const database = this.#database = await Database.open(this.#leased);
    const messages = this.messages = await PostgresMessageStore.open(database, this.#options);
    this.rooms = new PostgresRoomStore(database, { onDeleted: () => messages.forgetNames() });
    this.accounts = new PostgresAccountStore(database, messages);
    this.settings = new PostgresSettingsStore(database);
    this.retention = new PostgresRetentionStore(database);
  }

  async reopen(): Promise<void> {
    await this[Symbol.asyncDispose]();
    await this.#open();
  }

  /** Its connections end before its heads are written. */
  async crash(): Promise<void> {
    await this.#database.close();
    await this.messages.close();
    await this.#open();
  }

  /** Writes all. */
  async writeHeads(): Promise<void> {
    await this.messages.heads.write();
  }

  emptyLog(): void {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.messages.close();
    await this.#database.close();
  }
}
