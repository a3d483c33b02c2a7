import { PlainBatch, type PlainRequest, type PlainRoute, recordLength } from "./plain_batch.ts";

/** Most messages that wait. */
const maxWaiting = 20_000;
/** Most bytes of records that wait. */
const maxWaitingBytes = 64 * 1024 * 1024;

/** Plain messages that wait for a commit, in batches. */
export class PlainQueue<Route extends PlainRoute, Session> {
  /** The oldest first; messages are added to the last one. */
  readonly #batches: PlainBatch<Route, Session>[] = [];
  #count = 0;
  #bytes = 0;
  /** Bytes of the last batch that was taken. */
  #usualBytes: number | undefined;

  /** The number of messages that wait. */
  get count(): number {
    return this.#count;
  }

  /** Adds a message, accepted at a time in milliseconds since the Unix epoch. @returns false when the queue is full */
  add(request: PlainRequest<Route, Session>, acceptedAt: number): boolean {
    const length = request.textEnd - request.textAt;
    const bytes = recordLength(length);
    if (this.#count >= maxWaiting || this.#bytes + bytes > maxWaitingBytes) return false;
    let batch = this.#batches.at(-1);
    if (batch === undefined || !batch.hasRoom(length)) {
      this.#batches.push(batch = new PlainBatch(this.#usualBytes));
    }
    batch.add(request, acceptedAt);
    this.#count += 1;
    this.#bytes += bytes;
    return true;
  }

  /** Takes the oldest batch; undefined when none waits. */
  take(): PlainBatch<Route, Session> | undefined {
    const batch = this.#batches.shift();
    if (batch === undefined) return undefined;
    this.#count -= batch.count;
    this.#bytes -= batch.bytes.length;
    this.#usualBytes = batch.bytes.length;
    return batch;
  }
}
