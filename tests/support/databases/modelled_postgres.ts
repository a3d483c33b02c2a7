import { Database, type DatabaseOptions } from "../../../src/store/postgres/connection/database.ts";
import {
  PostgresMessageStore,
  type PostgresMessageStoreOptions,
} from "../../../src/store/postgres/log/postgres_message_store.ts";
import { PostgresAccountStore } from "../../../src/store/postgres/postgres_account_store.ts";
import { PostgresSettingsStore } from "../../../src/store/postgres/postgres_settings_store.ts";
import { PostgresSearch } from "../../../src/store/postgres/search/postgres_search.ts";
import { PostgresSearchIndex } from "../../../src/store/postgres/search/postgres_search_index.ts";
import type { LogOfModel } from "../servers/modelled_store.ts";
import { leaseEmptySchema } from "./postgres_store.ts";

/** The store in the schema of this process, for a `ModelledStore`. One is open at a time. */
export class ModelledPostgres implements LogOfModel {
  readonly #lease: DatabaseOptions;
  readonly #options: PostgresMessageStoreOptions;
  #database!: Database;
  #index!: PostgresSearchIndex;
  #search!: PostgresSearch;
  messages!: PostgresMessageStore;
  settings!: PostgresSettingsStore;
  accounts!: PostgresAccountStore;

  private constructor(lease: DatabaseOptions, options: PostgresMessageStoreOptions) {
    this.#lease = lease;
    this.#options = options;
  }

  static async open(options: PostgresMessageStoreOptions = {}): Promise<ModelledPostgres> {
    const opened = new ModelledPostgres(await leaseEmptySchema(), options);
    await opened.#open();
    return opened;
  }

  get indexedThrough(): number {
    return this.#index.position;
  }

  find: LogOfModel["find"] = (request) => this.#search.find(request);

  indexNext(head: number): Promise<unknown> {
    return this.#index.takeTurn({ head, turnMs: 1_000, maxEntries: 1 });
  }

  writeHeads(): Promise<void> {
    return this.messages.heads.write();
  }

  async reopen(): Promise<void> {
    await this.close();
    await this.#open();
  }

  /** Continues without what a store writes when it is closed. */
  async crash(): Promise<void> {
    await this.#database.close();
    await this.reopen();
  }

  async close(): Promise<void> {
    this.#search[Symbol.dispose]();
    this.#index[Symbol.dispose]();
    await this.messages.close();
    await this.#database.close();
  }

  async #open(): Promise<void> {
    this.#database = await Database.open(this.#lease);
    this.messages = await PostgresMessageStore.open(this.#database, this.#options);
    this.settings = new PostgresSettingsStore(this.#database);
    this.accounts = new PostgresAccountStore(this.#database, this.messages);
    this.#index = await PostgresSearchIndex.open(this.#database);
    this.#search = new PostgresSearch(this.#database);
  }
}
