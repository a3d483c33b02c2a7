import { DatabaseSync } from "node:sqlite";
import type { PlainBatch } from "../../../src/core/messages/plain_batch.ts";
import { Database, databasePath } from "../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { SqliteRoomStore } from "../../../src/store/sqlite/sqlite_room_store.ts";
import { PlainWriter } from "../../../src/store/sqlite/writer/plain_writer.ts";
import type { WriterThread } from "../../../src/store/sqlite/writer/writer_thread.ts";
import type { PlainStore } from "../../contract/plain_commits.ts";
import { temporaryFolder } from "../checks/temporary_folder.ts";
import { dumpDatabase } from "../servers/database_dump.ts";
import { eventually } from "../waiting/eventually.ts";
import { startWriterThread } from "./writer_threads.ts";

/** What writes batches: the store's own connection, or a thread. */
export type Way = "connection" | "thread";

/** A store whose batches are written by a thread, or by its connection. */
export class SqlitePlainStore implements PlainStore {
  readonly #folder = temporaryFolder();
  readonly #inThread: boolean;
  #writer!: PlainWriter;
  #thread: WriterThread | undefined;
  #database!: Database;
  messages!: SqliteMessageStore;
  accounts!: SqliteAccountStore;
  #rooms!: SqliteRoomStore;
  #isClosed = false;

  constructor(way: Way) {
    this.#inThread = way === "thread";
    this.#open();
  }

  #open(): void {
    const { path } = this.#folder;
    const database = this.#database = Database.open(path);
    this.#thread = undefined;
    const startThread = () => this.#thread = startWriterThread(path);
    this.#writer = new PlainWriter(database, this.#inThread ? { startThread, maxDirect: 0 } : {});
    const messages = this.messages = new SqliteMessageStore(database, { writer: this.#writer });
    this.accounts = new SqliteAccountStore(database, { onRenamed: () => messages.forgetNames() });
    this.#rooms = new SqliteRoomStore(database, { onDeleted: () => messages.forgetNames() });
  }

  #end(): void {
    this.#writer.close();
    this.#database.close();
  }

  reopen(): void {
    this.#end();
    this.#open();
  }

  reopenAt(head: number): void {
    this.#database.transaction(() => this.#database.prepare("UPDATE log SET heads_through = ?").run(head));
    this.reopen();
  }

  async commit(batch: PlainBatch): Promise<boolean> {
    const stored = await this.messages.commitPlain(batch);
    // The first batch starts the thread, and is written without it.
    if (this.#inThread) await eventually(() => this.#thread!.isReady);
    return stored;
  }

  deleteRoom(id: string): Promise<void> {
    return this.#rooms.deleteRoom(id);
  }

  spendNewest(): void {
    this.#database.prepare(
      `INSERT INTO spent_id (id, sender, position, conversation, seq, accepted_at)
       SELECT id, sender, position, conversation, seq, accepted_at FROM entry ORDER BY position DESC LIMIT 1`,
    ).run();
    this.#database.prepare("UPDATE entry SET id = randomblob(16) WHERE position = ?").run(this.messages.head);
  }

  /** Locks the database as another program does, until the result is closed. */
  lock(): DatabaseSync {
    const other = new DatabaseSync(databasePath(this.#folder.path));
    other.exec("BEGIN IMMEDIATE");
    return other;
  }

  closedDump(): string[] {
    this.#end();
    return dumpDatabase(this.#folder.path);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#end();
    this.#folder[Symbol.dispose]();
  }
}
