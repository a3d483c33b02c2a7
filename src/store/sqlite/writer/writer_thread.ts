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

/** A write that the thread has not answered. */
interface Turn {
  readonly settled: PromiseWithResolvers<boolean>;
  onStored(): void;
}

/** A thread that writes plain messages over a connection of its own, one batch at a time. */
export class WriterThread implements Disposable {
  readonly #memory = new WriterMemory();
  readonly #worker: Worker;
  #isLoaded = false;
  #closed = false;
  #turn: Turn | undefined;

  /** Starts the thread, which is ready once it has loaded. */
  constructor({ path, entry, onDied }: WriterThreadOptions) {
    this.#worker = new Worker(entry, { type: "module", name: writerJob });
    this.#worker.onmessage = () => {
      this.#worker.postMessage({ memory: this.#memory.buffer, path } satisfies WriterStart);
      this.#isLoaded = true;
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      if (!this.#closed) onDied(new Error(`The writer thread died: ${event.message}`));
    };
  }

  /** Whether the thread can write a batch. */
  get isReady(): boolean {
    return this.#isLoaded && !this.#closed && this.#turn === undefined;
  }

  /**
   * Writes records in one transaction; resolves when they are on disk. The thread must be ready.
   * @param onStored called when they are, before {@link waitUntilIdle} returns
   * @returns false, without an effect, when a sender used one of the ids before
   * @throws {ChatError} `storage_full`; other errors of SQLite
   */
  write(records: Uint8Array, firstPosition: number, onStored: () => void): Promise<boolean> {
    const turn = this.#turn = { settled: Promise.withResolvers<boolean>(), onStored };
    this.#memory.begin(records, firstPosition);
    this.#memory.finished().then(() => this.#settle(turn));
    return turn.settled.promise;
  }

  /** Blocks until no write is in progress, so that another connection may write. */
  waitUntilIdle(): void {
    if (this.#turn === undefined) return;
    this.#block();
    this.#settle(this.#turn);
  }

  /** Ends the thread after the write in progress. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#isLoaded) {
      this.waitUntilIdle();
      this.#memory.begin(new Uint8Array(), 0);
      this.#block();
    }
    this.#worker.terminate();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #block(): void {
    if (!this.#memory.waitUntilFinished(maxTurnMs)) {
      throw new Error(`The writer thread has been busy for ${maxTurnMs / 1_000} s: the disk may be failing.`);
    }
  }

  #settle(turn: Turn): void {
    if (this.#turn !== turn) return;
    this.#turn = undefined;
    const { outcome } = this.#memory;
    if (outcome === "failed") {
      const { message, resultCode } = this.#memory.failure;
      turn.settled.reject(writeError(Object.assign(new Error(message), { errcode: resultCode })));
    } else {
      if (outcome === "stored") turn.onStored();
      turn.settled.resolve(outcome === "stored");
    }
  }
}
