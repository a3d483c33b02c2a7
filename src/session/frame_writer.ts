import { maxFrameBytes, otherItemOverhead } from "../wire/limits.ts";

/** Room for `through` and the receipt at the end of a frame. */
const reservedBytes = 24;

/** The content of a frame, for the accounts of its acknowledgement. */
export interface FrameContent {
  /** The client has everything up to this position with the frame; 0 when the frame does not move it. */
  readonly through: number;
  readonly deliveryBytes: number;
  /** Bytes of items other than deliveries, each with its overhead. */
  readonly otherBytes: number;
}

/** Shared by all writers without items, and never written to. */
const none: Uint8Array[] = [];

/** The destination of frames. */
export interface FrameSink {
  /** Sends the items of one frame. */
  send(items: readonly Uint8Array[], content: FrameContent): void;
}

/** Collects encoded items, and sends those of one turn of the event loop in one frame. */
export class FrameWriter {
  readonly #sink: FrameSink;
  readonly #defer: (callback: () => void) => void;
  #items = none;
  #bytes = 0;
  #deliveryBytes = 0;
  #otherBytes = 0;
  #through = 0;
  #scheduled = false;
  #closed = false;

  /** @param defer runs a callback after the input that is ready now has been read */
  constructor(sink: FrameSink, defer: (callback: () => void) => void) {
    this.#sink = sink;
    this.#defer = defer;
  }

  /** `otherBytes` of items that were added and not sent yet. */
  get otherBytes(): number {
    return this.#otherBytes;
  }

  /** Adds an item other than a delivery. */
  add(item: Uint8Array): void {
    if (this.#push(item)) this.#otherBytes += item.length + otherItemOverhead;
    this.advance(0);
  }

  /** Adds a delivery, with which the client has everything up to `through`. */
  deliver(item: Uint8Array, through: number): void {
    if (this.#push(item)) this.#deliveryBytes += item.length;
    this.advance(through);
  }

  /**
   * Notes that the client has everything up to `through` with the items added so far. Sent with the next item at the
   * latest.
   */
  advance(through: number): void {
    if (through > this.#through) this.#through = through;
    if (!this.#scheduled && this.#items.length > 0) this.#scheduleFlush();
  }

  flush(): void {
    if (this.#items.length === 0) return;
    const items = this.#items;
    const content = { through: this.#through, deliveryBytes: this.#deliveryBytes, otherBytes: this.#otherBytes };
    this.#items = none;
    this.#bytes = 0;
    this.#deliveryBytes = 0;
    this.#otherBytes = 0;
    this.#through = 0;
    this.#sink.send(items, content);
  }

  /** Drops items that were not flushed, and ignores further ones. */
  close(): void {
    this.#closed = true;
    this.#items = none;
  }

  #scheduleFlush(): void {
    this.#scheduled = true;
    this.#defer(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  #push(item: Uint8Array): boolean {
    if (this.#closed) return false;
    if (this.#bytes + item.length + reservedBytes > maxFrameBytes) this.flush();
    // Most frames have one item: a literal takes a fraction of the memory that the first push allocates.
    if (this.#items.length === 0) this.#items = [item];
    else this.#items.push(item);
    this.#bytes += item.length;
    return true;
  }
}
