import { encodeServerFrame } from "../wire/server_items.ts";
import { maxFrameBytes } from "../wire/limits.ts";

/** Room for `through` at the end of a frame. */
const reservedBytes = 16;

/** Collects encoded items, so that what comes together goes out as one frame. */
export class FrameWriter {
  readonly #send: (frame: Uint8Array, through: number) => void;
  readonly #defer: (callback: () => void) => void;
  #items: Uint8Array[] = [];
  #bytes = 0;
  #through = 0;
  #scheduled = false;
  #closed = false;

  /** @param options.defer runs a callback after what is ready now has been done. */
  constructor(options: {
    send(frame: Uint8Array, through: number): void;
    defer(callback: () => void): void;
  }) {
    this.#send = options.send;
    this.#defer = options.defer;
  }

  /** Adds an item; `through` is the position that the client has with it, 0 when it does not move it. */
  add(item: Uint8Array, through = 0): void {
    if (this.#closed) return;
    if (this.#bytes + item.length + reservedBytes > maxFrameBytes) this.flush();
    this.#items.push(item);
    this.#bytes += item.length;
    this.passed(through);
  }

  /** With all items added so far the client has everything up to `through`; said with the next item at the latest. */
  passed(through: number): void {
    if (through > this.#through) this.#through = through;
    if (this.#scheduled || this.#items.length === 0) return;
    this.#scheduled = true;
    this.#defer(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  flush(): void {
    if (this.#items.length === 0) return;
    const frame = encodeServerFrame(this.#items, this.#through);
    const through = this.#through;
    this.#items = [];
    this.#bytes = 0;
    this.#through = 0;
    this.#send(frame, through);
  }

  /** Drops what was not flushed; nothing is sent any more. */
  close(): void {
    this.#closed = true;
    this.#items = [];
  }
}
