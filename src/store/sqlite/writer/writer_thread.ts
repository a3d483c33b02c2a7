import { writeError } from "../storage_error.ts";
import { writerJob, WriterMemory, type WriterReport, type WriterStart } from "./writer_memory.ts";

export interface WriterThreadOptions {
  /** The path of the database file. */
  readonly path: string;
  /** URL of the program's entry file. */
  readonly entry: string;
  /** Longest time of a turn, in milliseconds: a disk that takes longer for one commit is failing. 60,000 unless given. */
  readonly maxTurnMs?: number;
  /** Called when the thread died before it was ready, so it has written nothing. */
  onNotStarted(error: Error): void;
  /**
   * Called when the thread died or hangs, or `onStored` failed: nothing about the store is certain then, and the process
   * has to end.
   */
  onDied(error: Error): void;
}

/** A write that the thread has not answered. */
interface Turn {
  readonly settled: PromiseWithResolvers<void>;
  onStored(): void;
}

/** A thread that writes plain messages over a connection of its own, one batch at a time. */
export class WriterThread implements Disposable {
  readonly #options: WriterThreadOptions;
  readonly #memory = new WriterMemory();
  readonly #worker: Worker;
  #state: "starting" | "open" | "ended" = "starting";
  #turn: Turn | undefined;

  /** Starts the thread, which is ready once it has opened the database. */
  constructor(options: WriterThreadOptions) {
    this.#options = options;
    this.#worker = new Worker(options.entry, { type: "module", name: writerJob });
    this.#worker.onmessage = ({ data }: MessageEvent<WriterReport>) => this.#takeReport(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new Error(`The writer thread died: ${event.message}`));
    };
  }

  /** Whether the thread can write a batch. */
  get isReady(): boolean {
    return this.#state === "open" && this.#turn === undefined;
  }

  /**
   * Writes records in one transaction; resolves when they are on disk. The thread must be ready.
   * @param onStored called when they are, before {@link waitUntilIdle} returns
   * @throws {ChatError} `storage_full`, `busy`; other errors of SQLite. Nothing was written then.
   */
  write(records: Uint8Array, firstPosition: number, onStored: () => void): Promise<void> {
    const turn = this.#turn = { settled: Promise.withResolvers<void>(), onStored };
    this.#memory.begin(records, firstPosition);
    this.#memory.finished().then(() => this.#settle(turn));
    return turn.settled.promise;
  }

  /**
   * Blocks until no write is in progress, so that another connection may write.
   * @throws {Error} when the thread died or hangs
   */
  waitUntilIdle(): void {
    if (this.#turn === undefined) return;
    this.#block();
    this.#settle(this.#turn);
  }

  /** Ends the thread after the write in progress. Idempotent. */
  close(): void {
    if (this.#state === "open") {
      this.waitUntilIdle();
      this.#memory.begin(new Uint8Array(), 0);
      this.#block();
    }
    this.#state = "ended";
    this.#worker.terminate();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #takeReport(report: WriterReport): void {
    if (this.#state !== "starting") return;
    if (report === "open") this.#state = "open";
    else this.#worker.postMessage({ memory: this.#memory.buffer, path: this.#options.path } satisfies WriterStart);
  }

  #fail(error: Error): void {
    const { onNotStarted, onDied } = this.#options;
    const before = this.#state;
    this.#state = "ended";
    if (before === "starting") onNotStarted(error);
    else if (before === "open") onDied(error);
  }

  /** Blocks until the thread has finished its turn. @throws when it does not, which ends it */
  #block(): void {
    const { maxTurnMs = 60_000 } = this.#options;
    if (this.#state === "open" && this.#memory.waitUntilFinished(maxTurnMs)) return;
    const error = new Error(
      this.#memory.hasDied
        ? "The writer thread died."
        : `The writer thread has been busy for ${maxTurnMs / 1_000} s: the disk may be failing.`,
    );
    this.#fail(error);
    throw error;
  }

  #settle(turn: Turn): void {
    if (this.#turn !== turn) return;
    this.#turn = undefined;
    const { failure } = this.#memory;
    if (failure === undefined) return this.#noteStored(turn);
    const { message, resultCode: errcode } = failure;
    turn.settled.reject(writeError(Object.assign(new Error(message), { errcode })));
  }

  #noteStored(turn: Turn): void {
    try {
      turn.onStored();
      turn.settled.resolve();
    } catch (error) {
      // The store does not know its own heads now.
      this.#fail(error as Error);
      turn.settled.reject(error);
    }
  }
}
