import { Database, type DatabaseOptions } from "../../../src/store/postgres/connection/database.ts";
import type { PostgresMessageStoreOptions } from "../../../src/store/postgres/log/postgres_message_store.ts";
import { PostgresSearch } from "../../../src/store/postgres/search/postgres_search.ts";
import { PostgresSearchIndex } from "../../../src/store/postgres/search/postgres_search_index.ts";
import type { LogOfModel } from "../servers/modelled_store.ts";
import { leaseEmptySchema, openStores } from "./postgres_store.ts";

type Stores = Awaited<ReturnType<typeof openStores>>;

/** The store in the schema of this process, for a `ModelledStore`. One is open at a time. */
export class ModelledPostgres implements LogOfModel {
  readonly #lease: DatabaseOptions;
  readonly #options: PostgresMessageStoreOptions;
  #database!: Database;
  #index!: PostgresSearchIndex;
  #search!: PostgresSearch;
  messages!: Stores["messages"];
  settings!: Stores["settings"];
  accounts!: Stores["accounts"];

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
    const stores = await openStores(this.#database, this.#options);
    this.messages = stores.messages;
    this.settings = stores.settings;
    this.accounts = stores.accounts;
    this.#index = await PostgresSearchIndex.open(this.#database);
    this.#search = new PostgresSearch(this.#database);
  }
}
