import { SendRequest } from "../../gen/chatd/v1/chat.ts";
import { createMessageId } from "../../core/messages/message_id.ts";
import { putVarint, varintSize } from "../../wire/item_bytes.ts";
import { putStamp, stampedText, textBytes } from "./stamps.ts";

const [requestsTag, idTag, sendTag] = [0x0a, 0x08, 0x2a];
const hex = new TextEncoder().encode("0123456789abcdef");
/** The digits of a message id: its time is before and after the first hyphen, its number at the end. */
const [timeDigits, numberAt, numberDigits] = [[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0], 28, 8];

/** A request to send, encoded once: each message changes its id, its stamp and the id of the request. */
export class SendTemplate {
  readonly #bytes: Uint8Array;
  readonly #idAt: number;
  readonly #textAt: number;
  #number = 0;
  #time = -1;

  /** @param to the address of a conversation */
  constructor(to: string) {
    const id = createMessageId();
    const request = { to, id, text: stampedText(0), replyToSeq: 0, uploadId: "", automatic: false };
    this.#bytes = SendRequest.encode(request).finish();
    this.#textAt = this.#bytes.length - textBytes;
    this.#idAt = new TextDecoder("latin1").decode(this.#bytes).indexOf(id);
  }

  /** The most bytes that {@link put} writes. */
  get maxBytes(): number {
    return this.#bytes.length + 24;
  }

  /** Writes a request as an entry of a frame. @param stamp the time now, in microseconds @returns the index after it */
  put(bytes: Uint8Array, at: number, { requestId, stamp, time }: { requestId: number; stamp: number; time: number }) {
    this.#patchId(time);
    putStamp(this.#bytes, this.#textAt, stamp);
    const { length } = this.#bytes;
    bytes[at] = requestsTag;
    at = putVarint(bytes, at + 1, 1 + varintSize(requestId) + 1 + varintSize(length) + length);
    bytes[at] = idTag;
    at = putVarint(bytes, at + 1, requestId);
    bytes[at] = sendTag;
    at = putVarint(bytes, at + 1, length);
    bytes.set(this.#bytes, at);
    return at + length;
  }

  /** Ids rise with the time in them; the number makes them different. */
  #patchId(time: number): void {
    if (time !== this.#time) {
      this.#time = time;
      for (const digit of timeDigits) {
        const rest = Math.floor(time / 16);
        this.#bytes[this.#idAt + digit + (digit > 7 ? 1 : 0)] = hex[time - 16 * rest];
        time = rest;
      }
    }
    let number = this.#number++;
    for (let digit = numberDigits - 1; digit >= 0; digit--) {
      this.#bytes[this.#idAt + numberAt + digit] = hex[number & 15];
      number >>>= 4;
    }
  }
}

/** Writes an encoded kind of `Request` as an entry of a frame. @returns the index after it */
export function putRequest(bytes: Uint8Array, at: number, requestId: number, kind: Uint8Array): number {
  bytes[at] = requestsTag;
  at = putVarint(bytes, at + 1, 1 + varintSize(requestId) + kind.length);
  bytes[at] = idTag;
  at = putVarint(bytes, at + 1, requestId);
  bytes.set(kind, at);
  return at + kind.length;
}
