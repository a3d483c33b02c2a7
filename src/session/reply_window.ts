/** Replies that were sent and not yet acknowledged. */
export class ReplyWindow {
  readonly #windowBytes: number;
  #replies: { requestId: number; bytes: number }[] = [];
  #bytes = 0;

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes;
  }

  /** No further request is begun while it is. */
  get isFull(): boolean {
    return this.#bytes >= this.#windowBytes;
  }

  sent(requestId: number, bytes: number): void {
    this.#replies.push({ requestId, bytes });
    this.#bytes += bytes;
  }

  /** The replies to all requests up to `requestId` have been read. @returns whether that is news. */
  acknowledge(requestId: number): boolean {
    let count = 0;
    while (count < this.#replies.length && this.#replies[count].requestId <= requestId) {
      this.#bytes -= this.#replies[count++].bytes;
    }
    this.#replies.splice(0, count);
    return count > 0;
  }
}
