import type { ChatError } from "../core/chat_error.ts";
import type { ReceivedFrame } from "./received_frame.ts";

const maxWaiting = 16;

interface Entry {
  readonly frame: ReceivedFrame;
  /** Called when the reader has taken the frame. */
  readonly done?: () => void;
}

/** A queue of frames from the stream and from callbacks, for one reader. */
export class FrameQueue implements AsyncIterable<ReceivedFrame> {
  readonly #source: { pause(): void; resume(): void };
  #entries: Entry[] = [];
  #ended = false;
  #error: ChatError | undefined;
  #wake: (() => void) | undefined;
  #paused = false;

  /** @param source is paused while the queue is full */
  constructor(source: { pause(): void; resume(): void }) {
    this.#source = source;
  }

  push(frame: ReceivedFrame): void {
    this.#add({ frame });
    if (this.#entries.length >= maxWaiting && !this.#paused) {
      this.#paused = true;
      this.#source.pause();
    }
  }

  /** Resolves when the reader has taken the frame and asks for the next; rejects when the link is closed. */
  deliver(frame: ReceivedFrame): Promise<void> {
    if (this.#ended) return Promise.reject(new Error("the link is closed"));
    return new Promise((resolve) => this.#add({ frame, done: resolve }));
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  fail(error: ChatError): void {
    if (this.#ended) return;
    this.#error = error;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ReceivedFrame> {
    while (true) {
      const entry = this.#entries.shift();
      if (entry !== undefined) {
        yield entry.frame;
        entry.done?.();
      } else if (this.#error !== undefined) {
        throw this.#error;
      } else if (this.#ended) {
        return;
      } else {
        this.#resume();
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    }
  }

  #add(entry: Entry): void {
    if (this.#ended) return;
    this.#entries.push(entry);
    this.#wake?.();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#source.resume();
  }
}
