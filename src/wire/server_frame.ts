import { putVarint, varintSize } from "./item_bytes.ts";

const throughTag = (2 << 3) | 0;
const receiptTag = (3 << 3) | 5;
const receiptBytes = 5;

/** A `ServerFrame` of encoded items, which are copied only once: to where the frame leaves. */
export class EncodedFrame {
  /** Size of the frame, in bytes. */
  readonly length: number;
  readonly #items: readonly Uint8Array[];
  readonly #through: number;
  readonly #receipt: number;

  /** @param items each as {@link encodeItem} returns it @param end 0 omits `through` or `receipt` */
  constructor(items: readonly Uint8Array[], { through, receipt }: { through: number; receipt: number }) {
    this.#items = items;
    this.#through = through;
    this.#receipt = receipt;
    let length = (through > 0 ? 1 + varintSize(through) : 0) + (receipt > 0 ? receiptBytes : 0);
    for (const item of items) length += item.length;
    this.length = length;
  }

  /** Writes the frame into `target`, from the index `at` on. */
  copyTo(target: Uint8Array, at: number): void {
    for (const item of this.#items) {
      target.set(item, at);
      at += item.length;
    }
    if (this.#through > 0) {
      target[at++] = throughTag;
      at = putVarint(target, at, this.#through);
    }
    if (this.#receipt > 0) {
      target[at++] = receiptTag;
      for (let shift = 0; shift < 32; shift += 8) target[at++] = this.#receipt >>> shift;
    }
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.length);
    this.copyTo(bytes, 0);
    return bytes;
  }
}
