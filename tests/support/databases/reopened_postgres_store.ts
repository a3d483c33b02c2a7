import { Database, type DatabaseOptions } from "../../../src/store/postgres/connection/database.ts";
import type { HeadsOptions } from "../../../src/store/postgres/log/heads.ts";
import type { ReopenedStore } from "../servers/reopened_store.ts";
import { leaseEmptySchema, openStores } from "./postgres_store.ts";

type Stores = Awaited<ReturnType<typeof openStores>>;

/** On the schema of this process, so that one is open at a time. */
export class ReopenedPostgresStore implements ReopenedStore {
  readonly #leased: DatabaseOptions;
  readonly #options: HeadsOptions;
  #database!: Database;
  messages!: Stores["messages"];
  rooms!: Stores["rooms"];
  accounts!: Stores["accounts"];
  settings!: Stores["settings"];
  retention!: Stores["retention"];

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
    this.#database = await Database.open(this.#leased);
    const stores = await openStores(this.#database, this.#options);
    this.messages = stores.messages;
    this.rooms = stores.rooms;
    this.accounts = stores.accounts;
    this.settings = stores.settings;
    this.retention = stores.retention;
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
