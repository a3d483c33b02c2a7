import { messageIdLength, putIdText } from "../core/messages/message_id_bytes.ts";

/** Size of the memory that items share: an allocation for each item would cost more than writing it. */
const sharedBytes = 64 * 1024;
/** Space for the tags and lengths before the fields of an item. */
const headBytes = 32;
const maxVarintBytes = 8;
/** Strings up to this length are written character by character, which is faster than an encoder. */
const maxShortLength = 160;

const utf8 = new TextEncoder();

/**
 * Writes protobuf by hand, for the items of which there are most: first the fields of an item in order, then the
 * messages around them, from the inside out. Like the generated encoders it omits fields with default values. Tags have
 * one byte, and numbers are safe integers.
 */
export class ItemBytes {
  #bytes = new Uint8Array(sharedBytes);
  /** Everything before this index belongs to other items. */
  #free = 0;
  #from = 0;
  #at = 0;

  /** Begins an item. @param fields the maximum number of fields @param stringUnits the UTF-16 units of all strings */
  begin(fields: number, stringUnits: number): void {
    const needed = headBytes + fields * (1 + maxVarintBytes) + stringUnits * 3;
    if (this.#free + needed > this.#bytes.length) {
      this.#bytes = new Uint8Array(Math.max(sharedBytes, needed));
      this.#free = 0;
    }
    this.#from = this.#at = this.#free + headBytes;
  }

  number(tag: number, value: number): void {
    if (value === 0) return;
    this.#bytes[this.#at++] = tag;
    this.#at = putVarint(this.#bytes, this.#at, value);
  }

  bool(tag: number, value: boolean): void {
    if (value) this.number(tag, 1);
  }

  string(tag: number, value: string): void {
    const { length } = value;
    if (length === 0) return;
    const bytes = this.#bytes;
    bytes[this.#at++] = tag;
    const lengthAt = this.#at;
    const textAt = putVarint(bytes, lengthAt, length);
    if (length <= maxShortLength && putAscii(bytes, textAt, value)) {
      this.#at = textAt + length;
      return;
    }
    const { written } = utf8.encodeInto(value, bytes.subarray(textAt));
    // The length in bytes may need a longer varint than the length in units.
    const movedTo = lengthAt + varintSize(written);
    if (movedTo !== textAt) bytes.copyWithin(movedTo, textAt, textAt + written);
    putVarint(bytes, lengthAt, written);
    this.#at = movedTo + written;
  }

  /** Writes octets, such as text in UTF-8. */
  octets(tag: number, value: Uint8Array): void {
    if (value.length === 0) return;
    this.#bytes[this.#at++] = tag;
    this.#at = putVarint(this.#bytes, this.#at, value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** Writes the canonical text of a message id of 16 bytes. */
  id(tag: number, value: Uint8Array): void {
    this.#bytes[this.#at++] = tag;
    this.#bytes[this.#at++] = messageIdLength;
    putIdText(this.#bytes, this.#at, value);
    this.#at += messageIdLength;
  }

  /** Wraps everything written so far as the field `tag` of an outer message. */
  within(tag: number): void {
    const length = this.#at - this.#from;
    this.#from -= 1 + varintSize(length);
    this.#bytes[this.#from] = tag;
    putVarint(this.#bytes, this.#from + 1, length);
  }

  /** Writes a field before everything written so far. */
  numberBefore(tag: number, value: number): void {
    if (value === 0) return;
    this.#from -= 1 + varintSize(value);
    this.#bytes[this.#from] = tag;
    putVarint(this.#bytes, this.#from + 1, value);
  }

  /** Returns the finished item. It is never overwritten, and keeps the shared memory around it alive. */
  end(): Uint8Array {
    this.#free = this.#at;
    return this.#bytes.subarray(this.#from, this.#at);
  }
}

/** Writes a safe integer. @returns the index after it */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  while (value > 0x7fff_ffff) {
    bytes[at++] = (value & 0x7f) | 0x80;
    value = Math.floor(value / 0x80);
  }
  while (value > 0x7f) {
    bytes[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  bytes[at++] = value;
  return at;
}

/** Returns the number of bytes that {@link putVarint} writes. */
export function varintSize(value: number): number {
  let size = 1;
  for (; value > 0x7f; value = Math.floor(value / 0x80)) size += 1;
  return size;
}

/** Writes `text` if it is ASCII. @returns whether it is */
function putAscii(bytes: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) return false;
    bytes[at + index] = code;
  }
  return true;
}
