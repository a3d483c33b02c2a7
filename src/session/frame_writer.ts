import { maxFrameBytes, otherItemOverhead } from "../wire/limits.ts";

/** Room for `through` and the receipt at the end of a frame. */
const reservedBytes = 24;

/** What a client has when it has a frame. */
export interface FrameContent {
  /** The position that it has everything up to; 0 when the frame does not move it. */
  readonly through: number;
  readonly deliveryBytes: number;
  /** Of items that are no deliveries, with what they cost beside. */
  readonly otherBytes: number;
}

/** Never written to. */
const none: Uint8Array[] = [];

/** The way by which frames leave. */
export interface FrameSink {
  /** Takes the items of one frame, which it encodes at once. */
  send(items: readonly Uint8Array[], content: FrameContent): void;
}

/** Collects encoded items, so that what comes together goes out as one frame. */
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

  /** What was added and not sent yet, see {@link FrameContent}. */
  get otherBytes(): number {
    return this.#otherBytes;
  }

  /** Adds an item that is no delivery. */
  add(item: Uint8Array): void {
    if (this.#push(item)) this.#otherBytes += item.length + otherItemOverhead;
    this.advance(0);
  }

  /** Adds a delivery; with it the client has everything up to `through`. */
  deliver(item: Uint8Array, through: number): void {
    if (this.#push(item)) this.#deliveryBytes += item.length;
    this.advance(through);
  }

  /** With all items added so far the client has everything up to `through`; said with the next item at the latest. */
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

  /** Drops what was not flushed; nothing is sent any more. */
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
    // Most frames have one item, for which a literal takes a fraction of the memory that the first push takes.
    if (this.#items.length === 0) this.#items = [item];
    else this.#items.push(item);
    this.#bytes += item.length;
    return true;
  }
}
