import { concatenate } from "../../core/concatenate.ts";
import { pause } from "../../core/pause.ts";

/** The most bytes of lines that may wait: several thousand lines. */
const maxWaitingBytes = 1024 * 1024;
/** A write of this size to a pipe is atomic (PIPE_BUF of Linux, pipe(7)). */
const atomicBytes = 4096;
const flushDeadlineMs = 1_000;
const retryMs = 50;
const newline = 10;

/** The destination of lines, such as `Deno.stderr`. */
export interface LogSink {
  /** @returns how many of the bytes were written */
  write(bytes: Uint8Array): Promise<number>;
}

export interface LogOutputOptions {
  /** Returns the line that replaces dropped lines; none is written unless given. */
  readonly describeLoss?: (lines: number) => string;
  readonly maxWaitingBytes?: number;
  /** How long to wait, in milliseconds, when the pipe is full and another process made it non-blocking. */
  readonly retryMs?: number;
}

interface Waiting {
  readonly bytes: Uint8Array;
  /** The number of dropped lines that this line reports; 0 for an ordinary line. */
  readonly lost: number;
}

/**
 * A queue of lines for a stream that may block: a pipe that is not read, a terminal after Ctrl-S. Writing never waits.
 * Lines stay in order and whole. When the queue is full, new lines are dropped until half of it is free again, and a line
 * reports how many. A single line larger than the queue is dropped too; after the reader is gone, all are.
 */
export class LogOutput {
  readonly #sink: LogSink;
  readonly #options: LogOutputOptions;
  readonly #maxBytes: number;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #isFull = false;
  #isGone = false;
  /** The last line was written only in part. */
  #isCut = false;
  #dropped = 0;
  #untold = 0;
  #writing: Promise<void> | undefined;

  constructor(sink: LogSink, options: LogOutputOptions = {}) {
    this.#sink = sink;
    this.#options = options;
    this.#maxBytes = options.maxWaitingBytes ?? maxWaitingBytes;
  }

  /** The number of lines that were dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @param line without its end */
  write(line: string): void {
    const bytes = encodeLine(line);
    if (bytes.length > this.#maxBytes) return this.#drop(1);
    if (this.#bytes + bytes.length > this.#maxBytes) this.#isFull = true;
    if (this.#isFull || this.#isGone) return this.#drop(1);
    this.#tellLoss();
    this.#add({ bytes, lost: 0 });
  }

  /** Resolves when all lines are written, or `deadlineMs` have passed. */
  async flush(deadlineMs: number = flushDeadlineMs): Promise<void> {
    const written = new AbortController();
    void this.#writing?.then(() => written.abort());
    if (this.#writing !== undefined) await pause(deadlineMs, written.signal);
  }

  #add(line: Waiting): void {
    this.#waiting.push(line);
    this.#bytes += line.bytes.length;
    this.#writing ??= this.#writeAll();
  }

  #drop(lines: number): void {
    this.#dropped += lines;
    this.#untold += lines;
  }

  #tellLoss(): void {
    const { describeLoss } = this.#options;
    if (this.#untold === 0 || describeLoss === undefined) return;
    this.#add({ bytes: encodeLine(describeLoss(this.#untold)), lost: this.#untold });
    this.#untold = 0;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#writeBatch(this.#takeBatch());
      if (!this.#isFull || this.#bytes > this.#maxBytes / 2) continue;
      this.#isFull = false;
      if (!this.#isGone) this.#tellLoss();
    }
    this.#writing = undefined;
  }

  /** Takes one line, or as many as one atomic write holds. They count as waiting until they are written. */
  #takeBatch(): readonly Waiting[] {
    let bytes = 0;
    const tooFar = this.#waiting.findIndex((line) => (bytes += line.bytes.length) > atomicBytes);
    return this.#waiting.splice(0, tooFar === -1 ? this.#waiting.length : Math.max(tooFar, 1));
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    const bytes = concatenate(batch.map((line) => line.bytes));
    if (this.#isGone || !await this.#send(bytes)) this.#lose(batch);
    this.#bytes -= bytes.length;
  }

  #lose(batch: readonly Waiting[]): void {
    this.#drop(batch.filter(({ lost }) => lost === 0).length);
    for (const { lost } of batch) this.#untold += lost;
  }

  /** @returns whether all was written */
  async #send(bytes: Uint8Array): Promise<boolean> {
    let rest = this.#isCut ? concatenate([new Uint8Array([newline]), bytes]) : bytes;
    while (rest.length > 0) {
      try {
        const written = await this.#sink.write(rest);
        if (written > 0) this.#isCut = rest[written - 1] !== newline;
        rest = rest.subarray(written);
      } catch (error) {
        if (error instanceof Deno.errors.WouldBlock) {
          await new Promise((resolve) => setTimeout(resolve, this.#options.retryMs ?? retryMs));
          continue;
        }
        // A full disk may get room again; a closed pipe stays closed.
        this.#isGone = error instanceof Deno.errors.BrokenPipe;
        return false;
      }
    }
    return true;
  }
}

function encodeLine(line: string): Uint8Array {
  return new TextEncoder().encode(`${line}\n`);
}
