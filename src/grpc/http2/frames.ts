import { Buffer } from "node:buffer";
import { ConnectionError, ErrorCode } from "./errors.ts";

/** Types of frames (RFC 9113, section 6). */
export const FrameType = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const;

/** Flags of frames: `ack` in SETTINGS and PING, `endStream` in DATA and HEADERS. */
export const Flag = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** Parameters of SETTINGS frames (RFC 9113, section 6.5.2). */
export const Setting = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
} as const;

/** Octets of a frame before its payload. */
export const frameHeaderBytes = 9;

/**
 * Longest payload that either side of a connection sends, in octets: the default, which this code never raises (RFC
 * 9113, section 4.2).
 */
export const minMaxFrameBytes = 16_384;

/** First octets of a client (RFC 9113, section 3.4). */
export const clientPreface: Uint8Array = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export interface Frame {
  /** A {@link FrameType}, or an unknown type. */
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  /** A view of the received chunk: copy it to keep it. */
  readonly payload: Uint8Array;
}

/** Encodes a frame. */
export function encodeFrame(
  type: number,
  { flags = 0, streamId = 0, payload }: { flags?: number; streamId?: number; payload: Uint8Array },
): Uint8Array {
  const { length } = payload;
  const bytes = new Uint8Array(frameHeaderBytes + length);
  putFrameHeader(bytes, 0, { length, type, flags, streamId });
  bytes.set(payload, frameHeaderBytes);
  return bytes;
}

/** Writes the header of a frame with a payload of `length` octets into `bytes`, from the index `at` on. */
export function putFrameHeader(
  bytes: Uint8Array,
  at: number,
  { length, type, flags, streamId }: { length: number; type: number; flags: number; streamId: number },
): void {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  writeUint32(bytes, { at: at + 5, value: streamId });
}

/** Encodes a SETTINGS frame. */
export function encodeSettings(settings: Iterable<readonly [id: number, value: number]>): Uint8Array {
  const entries = [...settings];
  const payload = new Uint8Array(entries.length * 6);
  entries.forEach(([id, value], index) => {
    payload[index * 6] = id >>> 8;
    payload[index * 6 + 1] = id;
    writeUint32(payload, { at: index * 6 + 2, value });
  });
  return encodeFrame(FrameType.settings, { payload });
}

/** Encodes a frame whose payload is one number of 32 bits: RST_STREAM or WINDOW_UPDATE. */
export function encodeNumberFrame(
  type: typeof FrameType.rstStream | typeof FrameType.windowUpdate,
  { streamId, value }: { streamId: number; value: number },
): Uint8Array {
  const payload = new Uint8Array(4);
  writeUint32(payload, { at: 0, value });
  return encodeFrame(type, { streamId, payload });
}

/** Encodes a GOAWAY frame. @param debug an ASCII text for the operator of the peer */
export function encodeGoaway(
  { lastStreamId, code, debug = "" }: { lastStreamId: number; code: ErrorCode; debug?: string },
): Uint8Array {
  const payload = new Uint8Array(8 + debug.length);
  writeUint32(payload, { at: 0, value: lastStreamId });
  writeUint32(payload, { at: 4, value: code });
  payload.set(Buffer.from(debug, "latin1"), 8);
  return encodeFrame(FrameType.goaway, { payload });
}

/** Reads a number of 32 bits, in network order. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3]) >>> 0;
}

/** Reads a number of 31 bits, ignoring the reserved bit before it. */
export function readUint31(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at) & 0x7fff_ffff;
}

/** Writes a number of 32 bits, in network order. */
export function writeUint32(bytes: Uint8Array, { at, value }: { at: number; value: number }): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/**
 * Returns the payload without its padding (RFC 9113, section 6.1).
 * @throws {ConnectionError} FRAME_SIZE_ERROR, PROTOCOL_ERROR
 */
export function withoutPadding({ flags, payload }: Frame): Uint8Array {
  if ((flags & Flag.padded) === 0) return payload;
  if (payload.length === 0) {
    throw new ConnectionError(ErrorCode.frameSizeError, "A padded frame has no length of padding.");
  }
  const end = payload.length - payload[0];
  if (end < 1) throw new ConnectionError(ErrorCode.protocolError, "A frame has more padding than payload.");
  return payload.subarray(1, end);
}
