import { maxBatchBytes } from "../../../core/messages/plain_batch.ts";

/** The name of a writer thread, by which the program's entry file knows its job. */
export const writerJob = "writer";

/** A message from a writer thread: it has loaded its program, or it has opened the database and takes turns. */
export type WriterReport = "loaded" | "open";

/** The only message to a writer thread, after its program has loaded. */
export interface WriterStart {
  readonly memory: SharedArrayBuffer;
  /** The path of the database file. */
  readonly path: string;
}

/** Indexes of the control words, each 32 bits. */
const control = {
  /** The number of turns that the store began. */
  begun: 0,
  /** The number of turns that the thread finished. */
  finished: 1,
  /** Length of the records in bytes; then the length of the failure's message, 0 without a failure. */
  length: 2,
  /** SQLite's result code of a failure. */
  resultCode: 3,
  /** 1 after the death of the thread. */
  died: 4,
} as const;
/** Where the position of the first record is, a 64-bit float. */
const positionAt = 24;
/** Where the records begin, and the message of a failure. */
const recordsAt = 32;

/** A failure of SQLite in the writer thread. */
export interface WriteFailure {
  readonly message: string;
  /** SQLite's result code; 0 for a failure of another kind. */
  readonly resultCode: number;
}

/** How long to wait at a time, in milliseconds: a pause of the whole process counts as no more than that. */
const waitMs = 1_000;

/**
 * The memory that a store shares with its writer thread: one batch of records, and the outcome of writing it. The two
 * take turns, so that no record is read while it is written. Messages between threads would cost ten times as much.
 *
 * The store alone counts the turns that began, and the thread alone those that it finished. Each wakes the other after it
 * has counted. By then the other may have seen the count, and may wait for the next one: so a wake-up means only that a
 * count has to be looked at.
 */
export class WriterMemory {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #position: Float64Array<SharedArrayBuffer>;
  readonly #records: Uint8Array<SharedArrayBuffer>;

  /** @param buffer that of the other thread; a new one unless given */
  constructor(buffer = new SharedArrayBuffer(recordsAt + maxBatchBytes)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, positionAt / 4);
    this.#position = new Float64Array(buffer, positionAt, 1);
    this.#records = new Uint8Array(buffer, recordsAt);
  }

  /** Whether the thread has a turn: its outcome is not known yet. */
  get isBusy(): boolean {
    return Atomics.load(this.#words, control.finished) !== this.#words[control.begun];
  }

  /** Whether the thread died, perhaps in a turn. */
  get hasDied(): boolean {
    return Atomics.load(this.#words, control.died) === 1;
  }

  /** Gives the thread a turn, with records to write; without any, it ends. */
  begin(records: Uint8Array, firstPosition: number): void {
    this.#records.set(records);
    this.#words[control.length] = records.length;
    this.#position[0] = firstPosition;
    Atomics.add(this.#words, control.begun, 1);
    Atomics.notify(this.#words, control.begun);
  }

  /** Resolves when the thread has finished its present turn, even if the next one has begun. */
  async finished(): Promise<void> {
    const turn = this.#words[control.begun];
    for (;;) {
      const finished = Atomics.load(this.#words, control.finished);
      // Counts go from the highest number of a word to the lowest.
      if ((finished - turn | 0) >= 0) return;
      await Atomics.waitAsync(this.#words, control.finished, finished).value;
    }
  }

  /**
   * Blocks until the thread has finished its turn.
   * @returns false when the thread died, or took longer than `timeoutMs` of the time in which the process runs
   */
  waitUntilFinished(timeoutMs: number): boolean {
    for (let waitedMs = 0; this.isBusy;) {
      if (this.hasDied || waitedMs >= timeoutMs) return false;
      const finished = this.#words[control.begun] - 1;
      if (Atomics.wait(this.#words, control.finished, finished, waitMs) === "timed-out") waitedMs += waitMs;
    }
    return true;
  }

  /** The failure of the last turn; undefined if it stored its records. */
  get failure(): WriteFailure | undefined {
    const length = this.#words[control.length];
    if (length === 0) return undefined;
    const message = new TextDecoder().decode(this.#records.slice(0, length));
    return { message, resultCode: this.#words[control.resultCode] };
  }

  /**
   * Blocks the writer thread until its next turn, and copies the records into `into`.
   * @returns the number of bytes, 0 to end the thread; and the position of the first record
   */
  awaitTurn(into: Uint8Array): { length: number; firstPosition: number } {
    const finished = this.#words[control.finished];
    while (Atomics.load(this.#words, control.begun) === finished) Atomics.wait(this.#words, control.begun, finished);
    const length = this.#words[control.length];
    into.set(this.#records.subarray(0, length));
    return { length, firstPosition: this.#position[0] };
  }

  /** Ends the turn of the writer thread. */
  finish(failure?: WriteFailure): void {
    const message = failure === undefined ? new Uint8Array() : encodeMessage(failure);
    this.#records.set(message);
    this.#words[control.length] = message.length;
    this.#words[control.resultCode] = failure?.resultCode ?? 0;
    Atomics.add(this.#words, control.finished, 1);
    Atomics.notify(this.#words, control.finished);
  }

  /** Tells a store that waits for the end of a turn that this thread cannot finish it. */
  die(): void {
    Atomics.store(this.#words, control.died, 1);
    Atomics.notify(this.#words, control.finished);
  }
}

/** Returns the bytes of a message, which is not empty, and shortened to a bound. */
function encodeMessage({ message }: WriteFailure): Uint8Array {
  return new TextEncoder().encode(message.slice(0, 1_000) || "unknown");
}
