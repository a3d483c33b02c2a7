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
  /** How many bytes of items may be sent and not acknowledged; more than the largest item. */
  windowBytes: number;
}

export interface ReadLimits {
  limit: number;
  maxBytes: number;
  /** Aborted when the delivery is closed: the read may be given up. */
  signal: AbortSignal;
}

/** The owner of a delivery: gives it the log to read, and sends its items. */
export interface DeliveryHost {
  /** Reads the entries after a position that the user may see. */
  read(after: number, limits: ReadLimits): Promise<MessageBatch>;
  /** Whether the client knows what to do with an entry; others are passed. */
  supports(message: Message): boolean;
  /** Sends one item; with it the client has everything up to the position of its message. */
  send(item: Uint8Array, message: Message): void;
  /**
   * What was not sent as an item, because the client has it from a reply, or may not see it. `settled`: all items before it
   * have been acknowledged.
   */
  advance(through: number, settled: boolean): void;
  /** Reading failed; nothing is delivered from here on. */
  onFailed(error: unknown): void;
}

/**
 * Moves one consumer through the log: a cursor, not a queue. What is offered goes out at once while there is room in
 * the window of unacknowledged bytes; otherwise it is left in the store, and read from there when acknowledgements come.
 */
export class Delivery {
  readonly #host: DeliveryHost;
  readonly #windowBytes: number;
  #acknowledged: number;
  /** Nothing up to here has to be sent again: what came after `#acknowledged` was passed. */
  #settled: number;
  #sent: number;
  #newest: number;
  /** Of items that were sent and not acknowledged. */
  #outstandingBytes = 0;
  /** Everything offered so far was sent. */
  #caughtUp = false;
  /** Gives up the reads that are under way. */
  #reading: AbortController | undefined;
  #closed = false;
  /** Raised when what was sent must be sent again: reads that were under way then are void. */
  #generation = 0;
  /** Positions of messages that this very session sent, beyond what is settled. */
  #own: Set<number> | undefined;

  constructor(host: DeliveryHost, { cursor, head, windowBytes }: DeliveryOptions) {
    this.#host = host;
    this.#windowBytes = windowBytes;
    this.#acknowledged = this.#settled = this.#sent = cursor;
    this.#newest = head;
  }

  /** Delivers what the store holds, then what is offered; before it, nothing. */
  start(): void {
    this.#caughtUp = this.#sent >= this.#newest;
    if (!this.#caughtUp) void this.#catchUp();
  }

  /** A message was committed. `own`: the client has it from the reply to its request. */
  offer(message: Message, own: boolean): void {
    // The store may have it in what it gives to read before it is offered.
    if (message.position <= this.#sent) return;
    this.#newest = Math.max(this.#newest, message.position);
    if (own) this.#addOwn(message.position);
    if (this.#caughtUp && !this.#closed) this.#caughtUp = this.#deliver(message);
  }

  /** An entry was committed at `position`, which the store gives to read if the user may see it. */
  lookUp(position: number): void {
    if (position <= this.#sent) return;
    this.#newest = Math.max(this.#newest, position);
    if (!this.#caughtUp) return;
    this.#caughtUp = false;
    void this.#catchUp();
  }

  /**
   * The client has everything up to `through` (0 when that is not new), in `bytes` of items.
   * @returns the position that the consumer has everything up to, when that is news.
   */
  acknowledge(through: number, bytes: number): number | undefined {
    this.#outstandingBytes -= bytes;
    if (through <= this.#acknowledged) return undefined;
    this.#acknowledged = through;
    this.#settle(this.#outstandingBytes === 0 ? this.#sent : through);
    if (!this.#caughtUp) void this.#catchUp();
    return through;
  }

  /** Sends again what was not acknowledged: the way that it went is lost. */
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

  /** @returns false when the window has no room for it. */
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

  /** Most sessions send nothing. */
  #addOwn(position: number): void {
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
    for (const own of this.#own ?? []) {
      if (own > this.#settled) break;
      this.#own!.delete(own);
    }
  }
}
