import type { AccountStore } from "../../../src/core/accounts/account_store.ts";
import type { ExclusiveMessageStore } from "../../../src/core/messages/message_store.ts";
import { Database } from "../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { temporaryFolder } from "../checks/temporary_folder.ts";

/** A store that may be replaced by an earlier state of itself. Disposal closes it. */
export interface CopiedStore extends AsyncDisposable {
  readonly messages: ExclusiveMessageStore;
  readonly accounts: AccountStore;
  /** Opens the store, again if it is open, with a new incarnation. */
  open(): Promise<void>;
  /** Copies the open store. */
  copy(number: number): Promise<void>;
  /** Replaces the store by a copy. It must be opened before its next use. */
  putBack(copy: number): Promise<void>;
}

/** A store in a folder, and copies of its file. */
export class CopiedSqliteStore implements CopiedStore {
  readonly #folder = temporaryFolder();
  #database: Database | undefined;
  messages!: SqliteMessageStore;
  accounts!: SqliteAccountStore;

  open(): Promise<void> {
    this.#database?.close();
    this.#database = Database.open(this.#folder.path);
    this.messages = new SqliteMessageStore(this.#database);
    this.accounts = new SqliteAccountStore(this.#database);
    return Promise.resolve(this.messages.beginIncarnation());
  }

  copy(number: number): Promise<void> {
    this.#database!.truncateLog();
    Deno.copyFileSync(`${this.#folder.path}/chatd.sqlite`, `${this.#folder.path}/copy${number}`);
    return Promise.resolve();
  }

  putBack(copy: number): Promise<void> {
    this.#database!.close();
    Deno.copyFileSync(`${this.#folder.path}/copy${copy}`, `${this.#folder.path}/chatd.sqlite`);
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#database?.close();
    this.#folder[Symbol.dispose]();
    return Promise.resolve();
  }
}
