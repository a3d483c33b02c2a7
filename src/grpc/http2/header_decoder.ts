import { Buffer } from "node:buffer";
import { ConnectionError, ErrorCode } from "./errors.ts";
import { fieldSize, type HeaderField, HeaderTable } from "./header_table.ts";
import { decodeHuffman } from "./huffman.ts";

export interface HeaderDecoderOptions {
  /** Largest dynamic table of the peer's encoder (SETTINGS_HEADER_TABLE_SIZE), in octets. */
  readonly maxTableSize: number;
  /** Largest decoded list (SETTINGS_MAX_HEADER_LIST_SIZE), in octets. */
  readonly maxListSize: number;
}

/** Largest index or length; a block is far shorter. */
const maxInteger = 1 << 24;

const noBlock = new Uint8Array();

/**
 * Decodes header blocks (RFC 7541). Its memory is bounded by the sizes of the dynamic table and of the list, and by the
 * length of a block. Fields beyond the size of the list are decoded, because the table depends on them, but not kept.
 */
export class HeaderDecoder {
  readonly #table: HeaderTable;
  readonly #options: HeaderDecoderOptions;
  #block: Uint8Array = noBlock;
  #at = 0;

  constructor(options: HeaderDecoderOptions) {
    this.#options = options;
    this.#table = new HeaderTable(options.maxTableSize);
  }

  /** Size of the dynamic table, in octets. */
  get tableSize(): number {
    return this.#table.size;
  }

  /**
   * Decodes a whole block. @returns undefined when the list is larger than its bound; the decoder stays usable
   * @throws {ConnectionError} COMPRESSION_ERROR for a malformed block; the tables of both sides differ from then on
   */
  decode(block: Uint8Array): HeaderField[] | undefined {
    this.#block = block;
    this.#at = 0;
    this.#readSizeUpdates();
    const fields: HeaderField[] = [];
    let size = 0;
    while (this.#at < block.length) {
      const field = this.#readField();
      size += fieldSize(field);
      if (size <= this.#options.maxListSize) fields.push(field);
    }
    // A block is part of a chunk, which may be much larger.
    this.#block = noBlock;
    return size <= this.#options.maxListSize ? fields : undefined;
  }

  /** Reads changes of the table's size, which come before the fields (RFC 7541, section 4.2). */
  #readSizeUpdates(): void {
    while (this.#at < this.#block.length && this.#block[this.#at] >>> 5 === 0b001) {
      const size = this.#readInteger(5);
      if (size > this.#options.maxTableSize) throw malformed("the table is larger than allowed");
      this.#table.resize(size);
    }
  }

  #readField(): HeaderField {
    const first = this.#block[this.#at];
    if (first & 0x80) return this.#indexed(this.#readInteger(7));
    if (first & 0x40) {
      const field = this.#readLiteral(6);
      this.#table.insert(field);
      return field;
    }
    if (first & 0x20) throw malformed("the size of the table changes within a block");
    return this.#readLiteral(4);
  }

  #readLiteral(prefixBits: number): HeaderField {
    const index = this.#readInteger(prefixBits);
    const name = index === 0 ? this.#readString() : this.#indexed(index).name;
    return { name, value: this.#readString() };
  }

  #indexed(index: number): HeaderField {
    return this.#table.get(index) ?? fail(`there is no field ${index}`);
  }

  /** Reads a string (RFC 7541, section 5.2). */
  #readString(): string {
    const isHuffman = (this.#byte() & 0x80) !== 0;
    const length = this.#readInteger(7);
    const end = this.#at + length;
    if (end > this.#block.length) throw malformed("it ends within a string");
    const bytes = this.#block.subarray(this.#at, end);
    this.#at = end;
    if (isHuffman) return decodeHuffman(bytes) ?? fail("the Huffman code of a string is wrong");
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  }

  /** Reads an integer (RFC 7541, section 5.1). */
  #readInteger(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.#byte() & mask;
    this.#at++;
    if (value < mask) return value;
    for (let shift = 0;; shift += 7) {
      const byte = this.#byte();
      this.#at++;
      value += (byte & 0x7f) * 2 ** shift;
      if (value > maxInteger || shift > 28) throw malformed("an integer is too large");
      if (byte < 0x80) return value;
    }
  }

  #byte(): number {
    if (this.#at >= this.#block.length) throw malformed("it ends within a field");
    return this.#block[this.#at];
  }
}

function malformed(why: string): ConnectionError {
  return new ConnectionError(ErrorCode.compressionError, `A header block is malformed: ${why}.`);
}

function fail(why: string): never {
  throw malformed(why);
}
