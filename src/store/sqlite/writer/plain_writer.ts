import { maxDirectMessages, type PlainBatch } from "../../../core/messages/plain_batch.ts";
import type { Database } from "../database.ts";
import { isConstraint } from "../storage_error.ts";
import { PlainRecords } from "./plain_records.ts";
import type { WriterThread } from "./writer_thread.ts";

export interface PlainWriterOptions {
  /** Starts the thread, unless that is impossible now; absent where it always is, as for a database in memory. */
  startThread?(): WriterThread | undefined;
  /** Most messages to write without the thread; {@link maxDirectMessages} unless given. */
  readonly maxDirect?: number;
}

/** Writes batches of plain messages: small ones itself, others in a thread that begins with the first of them. */
export class PlainWriter {
  readonly #database: Database;
  readonly #records: PlainRecords;
  readonly #options: PlainWriterOptions;
  #thread: WriterThread | undefined;

  constructor(database: Database, options: PlainWriterOptions = {}) {
    this.#database = database;
    this.#records = new PlainRecords(database);
    this.#options = options;
    database.beforeWrite = () => this.#thread?.waitUntilIdle();
  }

  /**
   * Writes a batch, numbered, in one transaction; resolves when it is on disk.
   * @param onStored called when it is, before any later transaction begins
   * @returns false, without an effect, when a row breaks a rule of its table, such as an id that was used before
   * @throws {ChatError} `storage_full`, `busy`; other errors of SQLite
   */
  async write(batch: PlainBatch, onStored: () => void): Promise<boolean> {
    try {
      const thread = this.#threadFor(batch);
      if (thread === undefined) this.#writeDirectly(batch, onStored);
      else await this.#writeIn(thread, batch, onStored);
      return true;
    } catch (error) {
      if (isConstraint(error)) return false;
      throw error;
    }
  }

  /** Idempotent. */
  close(): void {
    this.#thread?.close();
  }

  /** Returns the thread if it should write this batch; starts it with the first batch that it should have written. */
  #threadFor({ count }: PlainBatch): WriterThread | undefined {
    const { maxDirect = maxDirectMessages, startThread } = this.#options;
    if (count <= maxDirect) return undefined;
    this.#thread ??= startThread?.();
    return this.#thread?.isReady ? this.#thread : undefined;
  }

  #writeDirectly({ bytes, firstPosition }: PlainBatch, onStored: () => void): void {
    this.#database.transaction(() => this.#records.insert(bytes, firstPosition));
    onStored();
  }

  async #writeIn(thread: WriterThread, { bytes, firstPosition }: PlainBatch, onStored: () => void): Promise<void> {
    await thread.write(bytes, firstPosition, onStored);
    this.#database.onCommit?.();
  }
}
