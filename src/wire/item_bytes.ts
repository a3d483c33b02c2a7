/** Memory that items share: an allocation for each would cost more than writing it. */
const sharedBytes = 64 * 1024;
/** Room for what is put before the fields of an item. */
const headBytes = 32;
const maxVarintBytes = 8;
/** Up to this length a string is written by its characters, which is faster than an encoder. */
const maxShortLength = 160;

const utf8 = new TextEncoder();

/**
 * Writes protobuf by hand, for what every message needs: the fields of an item one after the other, then what surrounds them, from
 * inside out. Like the generated encoders it leaves out fields with their defaults. Tags are of one byte, numbers safe integers.
 */
export class ItemBytes {
  #bytes = new Uint8Array(sharedBytes);
  /** Everything before it belongs to other items. */
  #free = 0;
  #from = 0;
  #at = 0;

  /** Begins an item with at most so many fields, whose strings have so many UTF-16 units together. */
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
    // There are more bytes than units, maybe so many more that their number is longer.
    const movedTo = lengthAt + varintSize(written);
    if (movedTo !== textAt) bytes.copyWithin(movedTo, textAt, textAt + written);
    putVarint(bytes, lengthAt, written);
    this.#at = movedTo + written;
  }

  /** Makes what was written so far the field `tag` of the message around it. */
  within(tag: number): void {
    const length = this.#at - this.#from;
    this.#from -= 1 + varintSize(length);
    this.#bytes[this.#from] = tag;
    putVarint(this.#bytes, this.#from + 1, length);
  }

  /** Puts a field before what was written so far. */
  numberBefore(tag: number, value: number): void {
    if (value === 0) return;
    this.#from -= 1 + varintSize(value);
    this.#bytes[this.#from] = tag;
    putVarint(this.#bytes, this.#from + 1, value);
  }

  /** @returns the item, which nothing is written over; as long as it is kept, so is what was written near it */
  end(): Uint8Array {
    this.#free = this.#at;
    return this.#bytes.subarray(this.#from, this.#at);
  }
}

/** Writes a safe integer. @returns the position after it */
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

/** Returns how many bytes {@link putVarint} writes. */
export function varintSize(value: number): number {
  let size = 1;
  for (; value > 0x7f; value = Math.floor(value / 0x80)) size += 1;
  return size;
}

/** @returns whether it is ASCII, and so was written */
function putAscii(bytes: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) return false;
    bytes[at + index] = code;
  }
  return true;
}
