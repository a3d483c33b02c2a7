import { Database } from "../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { MessageFinder } from "../../../src/store/sqlite/search/message_finder.ts";
import { SearchIndex } from "../../../src/store/sqlite/search/search_index.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { SqliteSettingsStore } from "../../../src/store/sqlite/sqlite_settings_store.ts";
import { PlainWriter } from "../../../src/store/sqlite/writer/plain_writer.ts";
import type { WriterThread } from "../../../src/store/sqlite/writer/writer_thread.ts";
import { temporaryFolder } from "../checks/temporary_folder.ts";
import { startWriterThread } from "../lane/writer_threads.ts";
import { eventually } from "../waiting/eventually.ts";
import type { LogOfModel } from "./modelled_store.ts";

export type ModelledSqliteOptions = ConstructorParameters<typeof SqliteMessageStore>[1] & {
  /** Whether a thread writes the batches of plain messages. */
  readonly inThread?: boolean;
};

/** A store on disk, for a `ModelledStore`. */
export class ModelledSqlite implements LogOfModel {
  readonly #folder = temporaryFolder();
  readonly #options: ModelledSqliteOptions;
  #database!: Database;
  #writer!: PlainWriter;
  #thread: WriterThread | undefined;
  #index!: SearchIndex;
  #finder!: MessageFinder;
  messages!: SqliteMessageStore;
  settings!: SqliteSettingsStore;
  accounts!: SqliteAccountStore;

  constructor(options: ModelledSqliteOptions = {}) {
    this.#options = options;
    this.#open();
  }

  get indexedThrough(): number {
    return this.#index.position;
  }

  find: LogOfModel["find"] = (request) => Promise.resolve(this.#finder.find(request));

  indexNext(head: number): Promise<unknown> {
    return Promise.resolve(this.#index.takeTurn({ head, turnMs: 1_000, maxEntries: 1 }));
  }

  writeHeads(limit: number): Promise<void> {
    return Promise.resolve(this.#database.writeHeads(Math.min(limit, this.#database.heads.unwritten)));
  }

  async afterPlain(): Promise<void> {
    if (this.#thread !== undefined) await eventually(() => this.#thread!.isReady);
  }

  reopen(): Promise<void> {
    this.#close();
    return Promise.resolve(this.#open());
  }

  /** Continues with a copy of the files, as the next process does after a crash. */
  crash(): Promise<void> {
    const path = `${this.#folder.path}/chatd.sqlite`;
    const copies = ["", "-wal"].map((end) => [path + end, Deno.readFileSync(path + end)] as const);
    this.#close();
    for (const [path, bytes] of copies) Deno.writeFileSync(path, bytes);
    return Promise.resolve(this.#open());
  }

  close(): Promise<void> {
    this.#close();
    return Promise.resolve(this.#folder[Symbol.dispose]());
  }

  #open(): void {
    this.#database = Database.open(this.#folder.path);
    this.#thread = undefined;
    this.#writer = new PlainWriter(this.#database, this.#options.inThread ? this.#threadOptions() : {});
    this.messages = new SqliteMessageStore(this.#database, { ...this.#options, writer: this.#writer });
    this.settings = new SqliteSettingsStore(this.#database);
    this.accounts = new SqliteAccountStore(this.#database);
    this.#index = new SearchIndex(this.#database);
    this.#finder = new MessageFinder(this.#database);
  }

  #threadOptions() {
    return { startThread: () => this.#thread = startWriterThread(this.#folder.path), maxDirect: 0 };
  }

  #close(): void {
    this.#writer.close();
    this.#database.close();
  }
}
