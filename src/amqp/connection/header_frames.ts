import { Buffer } from "node:buffer";

/** Of the parts of amqplib 2.3.1's connection (lib/connection.js) that {@link tolerateHeaders} works with. */
export interface FrameReader {
  /** Bytes from the broker that are not read yet, from the next frame on. */
  rest: Buffer;
  /** Takes the next frame off `rest`, and then decodes it. @returns false when there is none yet */
  recvFrame(): unknown;
}

/** In the properties of a message whose headers could not be decoded: tables and arrays are left out, or all of them. */
export const undecodableMark = "chatd-undecodable";

/** Of AMQP 0-9-1: the type of a frame with a content header, the class `basic`, and the bytes before the payload. */
const headerFrame = 2;
const basicClass = 60;
const frameHeadBytes = 7;
/** Of the class, the weight and the size of the body, before the flags. */
const contentHeadBytes = 12;
const hasContentType = 0x8000;
const hasContentEncoding = 0x4000;
const hasHeaders = 0x2000;

/**
 * The bytes after each tag of a field that RabbitMQ's parser takes (`rabbit_binary_parser.erl`, the same in 3.10 and 4.3).
 * Fields with a length before them are `counted`.
 */
const fieldBytes = new Map(
  Object.entries({ b: 1, B: 1, t: 1, s: 2, u: 2, I: 4, i: 4, f: 4, D: 5, d: 8, l: 8, L: 8, T: 8, V: 0 }),
);
const counted = "SxFA";
/** A table and an array. */
const nested = "FA";

/**
 * Lets no header of a message end the connection. amqplib 2.3.1 decodes in its loop of frames, where an error is the end of the connection,
 * and its codec does not know the tag `L` (a signed number of 64 bits), which RabbitMQ passes on. What it cannot
 * decode is decoded again with `l` in place of `L`, which is the same, and if that fails too, without the tables and arrays
 * among the headers, or without all of them.
 * @throws {TypeError} for an amqplib that reads frames in another way
 */
export function tolerateHeaders(reader: FrameReader): void {
  const { recvFrame } = reader;
  if (typeof recvFrame !== "function" || !(reader.rest instanceof Uint8Array)) {
    throw new TypeError("This version of amqplib reads frames in another way: see header_frames.ts.");
  }
  reader.recvFrame = function (this: FrameReader): unknown {
    const before = this.rest;
    try {
      return recvFrame.call(this);
    } catch (error) {
      // amqplib has taken off a frame whose decoding failed, but not one that is broken.
      const isHeader = this.rest !== before && before[0] === headerFrame;
      if (!isHeader || before.readUInt16BE(frameHeadBytes) !== basicClass) throw error;
      return decodeAgain(this, { frame: before, decode: recvFrame });
    }
  };
}

/** Whether headers of a message were left out, as they could not be decoded. */
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
    // An unknown tag, or tables in tables that are deeper than the stack.
    const { fields, ...others } = readFlat(payload, read);
    return { ...others, fields: { ...fields, [undecodableMark]: true } };
  }
}

/** Reads the headers that are neither tables nor arrays, or none of them when that fails too. */
function readFlat<T>(payload: Buffer, read: (changed: Buffer) => T): T {
  try {
    return read(withoutTagL(withFlatHeaders(payload)));
  } catch {
    return read(withoutHeaders(payload));
  }
}

/** @throws {RangeError} */
function withoutTagL(payload: Buffer): Buffer {
  const copy = Buffer.from(payload);
  const { start, end } = headersIn(copy);
  let at = start + 4;
  // Tables and arrays within are walked through like what is around them, as they are longer by their own contents only.
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

/** @throws {RangeError} */
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

/** Bytes of a field's value, with the length before it where there is one. @throws {RangeError} for an unknown tag */
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

/** Where the table of headers begins, with its length, and ends. @throws {RangeError} when there is none */
function headersIn(payload: Buffer): { start: number; end: number } {
  const flags = payload.readUInt16BE(contentHeadBytes);
  if ((flags & hasHeaders) === 0) throw new RangeError("There are no headers.");
  let start = contentHeadBytes + 2;
  for (const flag of [hasContentType, hasContentEncoding]) {
    if ((flags & flag) !== 0) start += 1 + payload.readUInt8(start);
  }
  return { start, end: start + 4 + payload.readUInt32BE(start) };
}
