import { Buffer } from "node:buffer";

/** The parts of amqplib 2.3.1's connection (lib/connection.js) that {@link tolerateHeaders} uses. */
export interface FrameReader {
  /** Unread bytes from the broker, starting at the next frame. */
  rest: Buffer;
  /** Removes the next frame from `rest` and decodes it. @returns false when it is incomplete */
  recvFrame(): unknown;
}

/** Marks the properties of a message whose headers could not be decoded and lack tables and arrays, or are missing. */
export const undecodableMark = "chatd-undecodable";

/**
 * From AMQP 0-9-1: the type of a frame with a content header, the class `basic`, and the length of the frame header.
 */
const headerFrame = 2;
const basicClass = 60;
const frameHeadBytes = 7;
/** Bytes of the class, the weight and the body size, before the flags. */
const contentHeadBytes = 12;
const hasContentType = 0x8000;
const hasContentEncoding = 0x4000;
const hasHeaders = 0x2000;

/**
 * Value sizes by the field tags that RabbitMQ's parser accepts (`rabbit_binary_parser.erl`, the same in 3.10 and 4.3).
 * Fields with a length prefix are in `counted`.
 */
const fieldBytes = new Map(
  Object.entries({ b: 1, B: 1, t: 1, s: 2, u: 2, I: 4, i: 4, f: 4, D: 5, d: 8, l: 8, L: 8, T: 8, V: 0 }),
);
const counted = "SxFA";
/** Tags of tables and arrays. */
const nested = "FA";

/**
 * Keeps the connection open when the headers of a message cannot be decoded. amqplib 2.3.1 ends the connection on a
 * decoding error, and does not know the tag `L` (a signed number of 64 bits), which RabbitMQ passes on. On an error,
 * the headers are decoded again with the equivalent `l` in place of `L`; if that fails, without tables and arrays; and
 * if that fails, without any headers.
 * @throws {TypeError} for an incompatible version of amqplib
 */
export function tolerateHeaders(reader: FrameReader): void {
  const { recvFrame } = reader;
  if (typeof recvFrame !== "function" || !(reader.rest instanceof Uint8Array)) {
    throw new TypeError("This version of amqplib is not supported: see header_frames.ts.");
  }
  reader.recvFrame = function (this: FrameReader): unknown {
    const before = this.rest;
    try {
      return recvFrame.call(this);
    } catch (error) {
      // amqplib has removed a frame that failed to decode, but not one that is malformed.
      const isHeader = this.rest !== before && before[0] === headerFrame;
      if (!isHeader || before.readUInt16BE(frameHeadBytes) !== basicClass) throw error;
      return decodeAgain(this, { frame: before, decode: recvFrame });
    }
  };
}

/** Returns whether headers of a message were dropped because they could not be decoded. */
export function isUndecodable(properties: object): boolean {
  return Object.hasOwn(properties, undecodableMark);
}

function decodeAgain(
  reader: FrameReader,
  { frame, decode }: { frame: Buffer; decode: FrameReader["recvFrame"] },
): unknown {
  const { rest } = reader;
  const payload = frame.subarray(frameHeadBytes, frameHeadBytes + frame.readUInt32BE(3));
  const read = (changed: Buffer) => {
    const head = Buffer.from(frame.subarray(0, frameHeadBytes));
    head.writeUInt32BE(changed.length, 3);
    reader.rest = Buffer.concat([head, changed, Buffer.from([0xce])]);
    try {
      return decode.call(reader) as { fields: object };
    } finally {
      reader.rest = rest;
    }
  };
  try {
    return read(withoutTagL(payload));
  } catch {
    // An unknown tag, or tables nested deeper than the stack.
    const { fields, ...others } = readFlat(payload, read);
    return { ...others, fields: { ...fields, [undecodableMark]: true } };
  }
}

/** Decodes the headers without tables and arrays, or without any headers if that fails too. */
function readFlat<T>(payload: Buffer, read: (changed: Buffer) => T): T {
  try {
    return read(withoutTagL(withFlatHeaders(payload)));
  } catch {
    return read(withoutHeaders(payload));
  }
}

/** Replaces each tag `L` with `l`. @throws {RangeError} for malformed headers */
function withoutTagL(payload: Buffer): Buffer {
  const copy = Buffer.from(payload);
  const { start, end } = headersIn(copy);
  let at = start + 4;
  // Nested tables and arrays are walked in place; only their own headers have to be skipped.
  const ends: { end: number; isTable: boolean }[] = [{ end, isTable: true }];
  while (ends.length > 0) {
    const inner = ends[ends.length - 1];
    if (at >= inner.end) {
      ends.pop();
      continue;
    }
    if (inner.isTable) at += 1 + copy.readUInt8(at);
    const tag = String.fromCharCode(copy.readUInt8(at));
    if (tag === "L") copy.write("l", at, "latin1");
    at++;
    const next = at + valueBytes(copy, at, tag);
    if (nested.includes(tag)) ends.push({ end: next, isTable: tag === "F" });
    at = nested.includes(tag) ? at + 4 : next;
  }
  return copy;
}

/** Removes tables and arrays from the headers. @throws {RangeError} for malformed headers */
function withFlatHeaders(payload: Buffer): Buffer {
  const { start, end } = headersIn(payload);
  const kept: Buffer[] = [];
  let at = start + 4;
  while (at < end) {
    const begin = at;
    at += 1 + payload.readUInt8(at);
    const tag = String.fromCharCode(payload.readUInt8(at++));
    at += valueBytes(payload, at, tag);
    if (!nested.includes(tag)) kept.push(payload.subarray(begin, at));
  }
  const head = Buffer.from(payload.subarray(0, start + 4));
  head.writeUInt32BE(kept.reduce((sum, { length }) => sum + length, 0), start);
  return Buffer.concat([head, ...kept, payload.subarray(end)]);
}

/** Returns the size of a field's value, including its length prefix. @throws {RangeError} for an unknown tag */
function valueBytes(payload: Buffer, at: number, tag: string): number {
  if (counted.includes(tag)) return 4 + payload.readUInt32BE(at);
  const bytes = fieldBytes.get(tag);
  if (bytes === undefined) throw new RangeError(`There is no field of the type "${tag}".`);
  return bytes;
}

function withoutHeaders(payload: Buffer): Buffer {
  const { start, end } = headersIn(payload);
  const head = Buffer.from(payload.subarray(0, start));
  head.writeUInt16BE(head.readUInt16BE(contentHeadBytes) & ~hasHeaders, contentHeadBytes);
  return Buffer.concat([head, payload.subarray(end)]);
}

/** Returns the start of the header table, at its length, and its end. @throws {RangeError} when there is none */
function headersIn(payload: Buffer): { start: number; end: number } {
  const flags = payload.readUInt16BE(contentHeadBytes);
  if ((flags & hasHeaders) === 0) throw new RangeError("There are no headers.");
  let start = contentHeadBytes + 2;
  for (const flag of [hasContentType, hasContentEncoding]) {
    if ((flags & flag) !== 0) start += 1 + payload.readUInt8(start);
  }
  return { start, end: start + 4 + payload.readUInt32BE(start) };
}
