import type { PlainBatch } from "../../../core/messages/plain_batch.ts";
import type { Database } from "../database.ts";
import { PlainRecords } from "./plain_records.ts";
import type { WriterThread } from "./writer_thread.ts";

export interface PlainWriterOptions {
  /** Starts the thread; absent for a database in memory, which only one connection can open. */
  startThread?(): WriterThread;
  /** Most messages to write without the thread: handing over a few takes longer. 8 unless given. */
  readonly maxDirect?: number;
}

const usedBefore = new Error("An id in the batch was used before.");

/** Writes batches of plain messages: small ones itself, others in a thread that begins with the first of them. */
export class PlainWriter implements Disposable {
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
   * @returns false, without an effect, when a sender used one of the ids before
   * @throws {ChatError} `storage_full`; other errors of SQLite
   */
  async write(batch: PlainBatch, onStored: () => void): Promise<boolean> {
    const { maxDirect = 8 } = this.#options;
    if (batch.count > maxDirect) {
      this.#thread ??= this.#options.startThread?.();
      if (this.#thread?.isReady) {
        const stored = await this.#thread.write(batch.bytes, batch.firstPosition, onStored);
        if (stored) this.#database.onCommit?.();
        return stored;
      }
    }
    return this.#writeDirectly(batch, onStored);
  }

  /** Idempotent. */
  close(): void {
    this.#thread?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #writeDirectly(batch: PlainBatch, onStored: () => void): boolean {
    try {
      this.#database.transaction(() => {
        if (!this.#records.insert(batch.bytes, batch.firstPosition)) throw usedBefore;
      });
    } catch (error) {
      if (error === usedBefore) return false;
      throw error;
    }
    onStored();
    return true;
  }
}
