// https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat
const elementTypes = { int4: 23, int8: 20, uuid: 2950, bytea: 17 } as const;
/** The dimensions, the presence of NULL, the type of elements, their number and the first index, each 4 bytes. */
const headerBytes = 20;
const lengthBytes = 4;
const high = 0x1_0000_0000;

/**
 * The octets of an array of one dimension, as a parameter: its binary format costs a fraction of its text. All elements
 * that it was made for have to be added, at least one.
 */
export class BinaryArray {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #end = headerBytes;

  /** @param bytes the length of all elements together */
  constructor(type: keyof typeof elementTypes, { count, bytes }: { count: number; bytes: number }) {
    this.bytes = new Uint8Array(headerBytes + count * lengthBytes + bytes);
    this.#view = new DataView(this.bytes.buffer);
    this.#view.setInt32(0, 1);
    this.#view.setInt32(8, elementTypes[type]);
    this.#view.setInt32(12, count);
    this.#view.setInt32(16, 1);
  }

  addInt4(value: number): void {
    this.#view.setInt32(this.#begin(4), value);
  }

  /** Adds a safe integer that is not negative. */
  addInt8(value: number): void {
    const at = this.#begin(8);
    this.#view.setUint32(at, value / high);
    this.#view.setUint32(at + 4, value >>> 0);
  }

  /** Adds the bytes of `source` from `from` to `to`, for a uuid or a bytea. */
  addBytes(source: Uint8Array, from: number, to: number): void {
    const at = this.#begin(to - from);
    this.bytes.set(source.subarray(from, to), at);
  }

  /** Begins an element with its length. @returns where its bytes go */
  #begin(length: number): number {
    this.#view.setInt32(this.#end, length);
    const at = this.#end + lengthBytes;
    this.#end = at + length;
    return at;
  }
}
