import type { Message } from "../core/messages/message.ts";
import type { MessageBatch } from "../core/messages/message_store.ts";
import { encodeMessageItem } from "../wire/server_items.ts";

const batchMessages = 256;
const maxOwn = 10_000;

export interface DeliveryOptions {
  /** Delivery starts after this position. */
  cursor: number;
  /** The newest position in the store when `offer` began to be called. */
  head: number;
  /** Bytes of items that may be sent and unacknowledged; more than the largest item. */
  windowBytes: number;
}

export interface ReadLimits {
  limit: number;
  maxBytes: number;
  /** Aborts when the delivery is closed: the result is no longer needed. */
  signal: AbortSignal;
}

/** The owner of a delivery: reads the log for it, and sends its items. */
export interface DeliveryHost {
  /** Reads the entries after a position that the user may see. */
  read(after: number, limits: ReadLimits): Promise<MessageBatch>;
  /** Reports whether the client understands an entry; other entries are skipped. */
  supports(message: Message): boolean;
  /** Sends one item. The client then has everything up to the position of its message. */
  send(item: Uint8Array, message: Message): void;
  /**
   * Moves the client to a position without an item: it has the entry from a reply, or may not see it. `settled` when all
   * earlier items are acknowledged.
   */
  advance(through: number, settled: boolean): void;
  /** A read failed; the delivery has ended. */
  onFailed(error: unknown): void;
}

/**
 * Moves one consumer through the log: a cursor, not a queue. An offered message is sent at once while the window of
 * unacknowledged bytes has room. Otherwise it stays in the store, and is read from there as acknowledgements arrive.
 */
export class Delivery {
  readonly #host: DeliveryHost;
  readonly #windowBytes: number;
  #acknowledged: number;
  /** Entries up to here are never sent again: those after `#acknowledged` were skipped. */
  #settled: number;
  #sent: number;
  #newest: number;
  /** Bytes of items that were sent and are unacknowledged. */
  #outstandingBytes = 0;
  /** All messages offered so far were sent. */
  #caughtUp = false;
  /** Cancels the reads that are in progress. */
  #reading: AbortController | undefined;
  #closed = false;
  /** Incremented by each rewind: reads that began before it are void. */
  #generation = 0;
  /** Positions beyond `#settled` of messages from this session. */
  #own: Set<number> | undefined;

  constructor(host: DeliveryHost, { cursor, head, windowBytes }: DeliveryOptions) {
    this.#host = host;
    this.#windowBytes = windowBytes;
    this.#acknowledged = this.#settled = this.#sent = cursor;
    this.#newest = head;
  }

  /** Begins to deliver: first the entries in the store, then the offered messages. */
  start(): void {
    this.#caughtUp = this.#sent >= this.#newest;
    if (!this.#caughtUp) void this.#catchUp();
  }

  /** Offers a committed message. `own` when the client has it from the reply to its request. */
  offer(message: Message, own: boolean): void {
    // A read from the store may return a message before it is offered.
    if (message.position <= this.#sent) return;
    this.#newest = Math.max(this.#newest, message.position);
    const isLive = this.#caughtUp && !this.#closed;
    // Without unacknowledged items, a rewind does not come back to it.
    if (own && isLive && this.#outstandingBytes === 0) return this.#advance(message.position);
    if (own) this.#addOwn(message.position);
    if (isLive) this.#caughtUp = this.#deliver(message);
  }

  /** Has the entry at `position` read from the store, which returns it if the user may see it. */
  lookUp(position: number): void {
    if (position <= this.#sent) return;
    this.#newest = Math.max(this.#newest, position);
    if (!this.#caughtUp) return;
    this.#caughtUp = false;
    void this.#catchUp();
  }

  /**
   * Notes that the client has everything up to `through` (0 for no change), in items of `bytes` together.
   * @returns the new position of the consumer; undefined when it did not move
   */
  acknowledge(through: number, bytes: number): number | undefined {
    this.#outstandingBytes -= bytes;
    if (through <= this.#acknowledged) return undefined;
    this.#acknowledged = through;
    this.#settle(this.#outstandingBytes === 0 ? this.#sent : through);
    if (!this.#caughtUp) void this.#catchUp();
    return through;
  }

  /** Sends all unacknowledged items again, after their route failed. */
  rewind(): void {
    this.#generation += 1;
    this.#sent = this.#settled;
    this.#outstandingBytes = 0;
    this.#caughtUp = false;
    void this.#catchUp();
  }

  close(): void {
    this.#closed = true;
    this.#reading?.abort();
  }

  async #catchUp(): Promise<void> {
    if (this.#reading !== undefined) return;
    const { signal } = this.#reading = new AbortController();
    try {
      let fits = true;
      while (fits && !this.#closed && !this.#caughtUp) {
        const generation = this.#generation;
        const maxBytes = this.#windowBytes - this.#outstandingBytes;
        const batch = await this.#host.read(this.#sent, { limit: batchMessages, maxBytes, signal });
        if (generation !== this.#generation || this.#closed) continue;
        fits = batch.messages.every((message) => this.#deliver(message));
        if (fits) {
          this.#advance(batch.through);
          this.#caughtUp = this.#sent >= this.#newest;
        }
      }
    } catch (error) {
      if (this.#closed) return;
      this.#closed = true;
      this.#host.onFailed(error);
    } finally {
      this.#reading = undefined;
    }
  }

  /** @returns false when the window has no room for the message */
  #deliver(message: Message): boolean {
    if (this.#own?.has(message.position) || !this.#host.supports(message)) {
      this.#advance(message.position);
      return true;
    }
    const item = encodeMessageItem(message);
    if (this.#outstandingBytes + item.length > this.#windowBytes) return false;
    this.#sent = message.position;
    this.#outstandingBytes += item.length;
    this.#host.send(item, message);
    return true;
  }

  #addOwn(position: number): void {
    // Most sessions send nothing, and need no set.
    this.#own ??= new Set();
    if (this.#own.size < maxOwn) this.#own.add(position);
  }

  #advance(position: number): void {
    if (position <= this.#sent) return;
    this.#sent = position;
    const settled = this.#outstandingBytes === 0;
    if (settled) this.#settle(position);
    this.#host.advance(position, settled);
  }

  #settle(position: number): void {
    this.#settled = Math.max(this.#settled, position);
    if (this.#own === undefined) return;
    for (const own of this.#own) {
      if (own > this.#settled) break;
      this.#own.delete(own);
    }
  }
}
