import { uint32 } from "./http2_bytes.ts";

const prefixBytes = 5;

/** Finds the messages in the DATA of a call. A message that is in one piece is not copied. */
export class GrpcMessages {
  readonly #onMessage: (bytes: Uint8Array, from: number, to: number) => void;
  /** The beginning of a message. */
  #part = new Uint8Array(0);
  #partLength = 0;

  constructor(onMessage: (bytes: Uint8Array, from: number, to: number) => void) {
    this.#onMessage = onMessage;
  }

  /** Takes the DATA at `from` to `to`. */
  add(bytes: Uint8Array, from: number, to: number): void {
    if (this.#partLength > 0) {
      this.#append(bytes, from, to);
      [bytes, from, to] = [this.#part, 0, this.#partLength];
    }
    while (from + prefixBytes <= to) {
      const end = from + prefixBytes + uint32(bytes, from + 1);
      if (end > to) break;
      this.#onMessage(bytes, from + prefixBytes, end);
      from = end;
    }
    if (bytes === this.#part) this.#part.copyWithin(0, from, to);
    else if (from < to) this.#append(bytes, from, to);
    this.#partLength = to - from;
  }

  #append(bytes: Uint8Array, from: number, to: number): void {
    const length = this.#partLength + to - from;
    if (length > this.#part.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(this.#part.subarray(0, this.#partLength));
      this.#part = larger;
    }
    this.#part.set(bytes.subarray(from, to), this.#partLength);
    this.#partLength = length;
  }
}
