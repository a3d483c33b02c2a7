const firstBuffer = 512;

/** Joins all writes of one turn, and those during a write, into one. */
export class SocketWriter {
  readonly #connection: Deno.Conn;
  readonly #onFailed: (error: Error) => void;
  #bytes = new Uint8Array(firstBuffer);
  #length = 0;
  #spare: Uint8Array<ArrayBuffer> | undefined;
  #isScheduled = false;
  #isWriting = false;
  #closed = false;
  #done = Promise.resolve();

  constructor(connection: Deno.Conn, onFailed: (error: Error) => void) {
    this.#connection = connection;
    this.#onFailed = onFailed;
  }

  /** Resolves when no write is in progress. */
  get done(): Promise<void> {
    return this.#done;
  }

  write(bytes: Uint8Array): void {
    const { bytes: to, at } = this.reserve(bytes.length);
    to.set(bytes, at);
  }

  /** Returns the place of the next `count` bytes, which the caller fills in before it does anything else. */
  reserve(count: number): { bytes: Uint8Array; at: number } {
    if (this.#length + count > this.#bytes.length) {
      const larger = new Uint8Array(2 * (this.#length + count));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    const at = this.#length;
    this.#length += count;
    if (!this.#isScheduled && !this.#isWriting) {
      this.#isScheduled = true;
      queueMicrotask(this.#flush);
    }
    return { bytes: this.#bytes, at };
  }

  close(): void {
    this.#closed = true;
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    if (!this.#closed) this.#done = this.#writeAll().catch((error) => this.#onFailed(error));
  };

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#length > 0 && !this.#closed) {
      const [bytes, length] = [this.#bytes, this.#length];
      this.#bytes = this.#spare ?? new Uint8Array(firstBuffer);
      this.#length = 0;
      this.#spare = undefined;
      for (let at = 0; at < length && !this.#closed;) {
        at += await this.#connection.write(bytes.subarray(at, length));
      }
      this.#spare = bytes;
    }
    this.#isWriting = false;
  }
}
