import { messageIdLength } from "../core/messages/message_id_bytes.ts";

/** The tags of a frame, one byte each: field number and wire type (protobuf encoding, "Message structure"). */
const requestTag = (1 << 3) | 2;
const requestIdTag = (1 << 3) | 0;
const ackTag = (3 << 3) | 2;
const sendTag = (5 << 3) | 2;
const receiptTag = (1 << 3) | 5;
const toTag = (1 << 3) | 2;
const messageIdTag = (2 << 3) | 2;
const textTag = (3 << 3) | 2;

/**
 * Reads the requests at the start of an encoded `ClientFrame` as ranges of its bytes, without an object for each: plain
 * sends (an address, an id and a text, nothing else) and acknowledgements. It stops at the first request that is
 * anything else or malformed; the bytes from `at` on are then a frame of the remaining requests.
 *
 * The contents of the ranges are unchecked: neither text nor address need be UTF-8.
 *
 * @example
 * ```ts
 * // Counts the plain sends at the start of a frame.
 * function countSends(frame: Uint8Array): number {
 *   const scanner = new RequestScanner();
 *   scanner.begin(frame);
 *   let count = 0;
 *   for (let kind = scanner.next(); kind !== undefined; kind = scanner.next()) if (kind === "send") count += 1;
 *   return count;
 * }
 * ```
 */
export class RequestScanner {
  #bytes: Uint8Array = new Uint8Array();
  /** Where the next request begins. */
  at = 0;
  /** Of the last request; 0 if it has none. */
  requestId = 0;
  /** Of the last acknowledgement. */
  receipt = 0;
  /** The range of the last send's address. */
  toAt = 0;
  toEnd = 0;
  /** The start of the last send's message id, of {@link messageIdLength} bytes. */
  idAt = 0;
  /** The range of the last send's text. */
  textAt = 0;
  textEnd = 0;
  /** Where the varint that was read last ends. */
  #next = 0;

  /** Begins a frame. The scanner refers to `frame` until the next one begins. */
  begin(frame: Uint8Array): void {
    this.#bytes = frame;
    this.at = 0;
  }

  /** Reads the next request. @returns undefined, without moving, at the end or at any other request */
  next(): "send" | "ack" | undefined {
    const bytes = this.#bytes;
    if (this.at >= bytes.length || bytes[this.at] !== requestTag) return undefined;
    const length = this.#length(this.at + 1, bytes.length);
    if (length < 0) return undefined;
    const begin = this.#next;
    const end = begin + length;
    let tagAt = begin;
    let id = 0;
    if (begin < end && bytes[begin] === requestIdTag) {
      id = this.#varint(begin + 1, end);
      if (id < 0) return undefined;
      tagAt = this.#next;
    }
    if (tagAt >= end) return undefined;
    const innerLength = this.#length(tagAt + 1, end);
    const innerAt = this.#next;
    if (innerLength < 0 || innerAt + innerLength !== end) return undefined;
    const kind = bytes[tagAt] === sendTag && this.#send(innerAt, end)
      ? "send"
      : bytes[tagAt] === ackTag && this.#ack(innerAt, end)
      ? "ack"
      : undefined;
    if (kind === undefined) return undefined;
    this.requestId = id;
    this.at = end;
    return kind;
  }

  /** Reads the fields of a send, in the order of their numbers. */
  #send(at: number, end: number): boolean {
    const bytes = this.#bytes;
    let length = bytes[at] === toTag ? this.#length(at + 1, end) : -1;
    if (length < 0) return false;
    this.toAt = this.#next;
    at = this.toEnd = this.toAt + length;
    if (at + 2 + messageIdLength > end || bytes[at] !== messageIdTag || bytes[at + 1] !== messageIdLength) return false;
    this.idAt = at + 2;
    at += 2 + messageIdLength;
    length = at < end && bytes[at] === textTag ? this.#length(at + 1, end) : -1;
    if (length < 0) return false;
    this.textAt = this.#next;
    this.textEnd = this.textAt + length;
    return this.textEnd === end;
  }

  #ack(at: number, end: number): boolean {
    const bytes = this.#bytes;
    if (end - at !== 5 || bytes[at] !== receiptTag) return false;
    this.receipt = (bytes[at + 1] | bytes[at + 2] << 8 | bytes[at + 3] << 16 | bytes[at + 4] << 24) >>> 0;
    return true;
  }

  /** Reads the length of a field that ends by `end`. @returns -1 unless it does */
  #length(at: number, end: number): number {
    const length = this.#varint(at, end);
    return length >= 0 && this.#next + length <= end ? length : -1;
  }

  /** Reads a varint of up to 7 bytes, below 2^49. @returns -1 for a longer one, or one that `end` cuts off */
  #varint(at: number, end: number): number {
    const bytes = this.#bytes;
    if (at < end && bytes[at] < 0x80) {
      this.#next = at + 1;
      return bytes[at];
    }
    let value = 0;
    let factor = 1;
    for (const stop = Math.min(end, at + 7); at < stop; factor *= 0x80) {
      const byte = bytes[at++];
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        this.#next = at;
        return value;
      }
    }
    return -1;
  }
}
