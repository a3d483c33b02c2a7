import { writeError } from "../storage_error.ts";
import { writerJob, WriterMemory, type WriterStart } from "./writer_memory.ts";

/** Longest time of a turn, in milliseconds: a disk that takes longer for one commit is failing. */
const maxTurnMs = 60_000;

export interface WriterThreadOptions {
  /** The path of the database file. */
  readonly path: string;
  /** URL of the program's entry file. */
  readonly entry: string;
  /** Called when the thread died, after which nothing about the store is certain: the process has to end. */
  onDied(error: Error): void;
}

/** A thread that writes plain messages over a connection of its own. */
export class WriterThread implements Disposable {
  readonly #memory = new WriterMemory();
  readonly #worker: Worker;
  #isReady = false;
  #closed = false;

  /** Starts the thread, which is ready once it has loaded. */
  constructor({ path, entry, onDied }: WriterThreadOptions) {
    this.#worker = new Worker(entry, { type: "module", name: writerJob });
    this.#worker.onmessage = () => {
      this.#worker.postMessage({ memory: this.#memory.buffer, path } satisfies WriterStart);
      this.#isReady = true;
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      if (!this.#closed) onDied(new Error(`The writer thread died: ${event.message}`));
    };
  }

  /** Whether the thread is ready for records. */
  get isReady(): boolean {
    return this.#isReady && !this.#memory.isBusy;
  }

  /**
   * Writes records in one transaction; resolves when they are on disk. The thread must be ready.
   * @returns false, without an effect, when a sender used one of the ids before
   * @throws {ChatError} `storage_full`; other errors of SQLite
   */
  async write(records: Uint8Array, firstPosition: number): Promise<boolean> {
    this.#memory.begin(records, firstPosition);
    await this.#memory.finished();
    const { outcome } = this.#memory;
    if (outcome !== "failed") return outcome === "stored";
    const { message, resultCode } = this.#memory.failure;
    throw writeError(Object.assign(new Error(message), { errcode: resultCode }));
  }

  /** Blocks until no write is in progress, so that another connection may write. */
  waitUntilIdle(): void {
    if (!this.#memory.waitUntilFinished(maxTurnMs)) {
      throw new Error(`The writer thread has been busy for ${maxTurnMs / 1_000} s: the disk may be failing.`);
    }
  }

  /** Ends the thread after the write in progress. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#isReady) {
      this.waitUntilIdle();
      this.#memory.begin(new Uint8Array(), 0);
      this.waitUntilIdle();
    }
    this.#worker.terminate();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
