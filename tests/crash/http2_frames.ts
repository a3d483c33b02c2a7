/** Builds HTTP/2 frames (RFC 9113), including frames that no well-behaved peer would send. */
import { Buffer } from "node:buffer";

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const Flag = {
  none: 0,
  ack: 0x1,
  endStream: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;

export interface FrameOptions {
  flags?: number;
  stream?: number;
  payload?: Uint8Array;
  /** What the header says the length is, when that is to be a lie. */
  declaredLength?: number;
}

export function frame(type: number, options: FrameOptions = {}): Buffer {
  const payload = options.payload ?? new Uint8Array();
  const header = Buffer.alloc(9);
  header.writeUIntBE(options.declaredLength ?? payload.length, 0, 3);
  header[3] = type;
  header[4] = options.flags ?? 0;
  header.writeUInt32BE((options.stream ?? 0) >>> 0, 5);
  return Buffer.concat([header, payload]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function settings(entries: readonly (readonly [id: number, value: number])[] = []): Buffer {
  const payload = Buffer.alloc(entries.length * 6);
  entries.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value >>> 0, index * 6 + 2);
  });
  return frame(FrameType.settings, { payload });
}

export const SETTINGS_ACK = frame(FrameType.settings, { flags: Flag.ack });

export function rstStream(stream: number, code = 8): Buffer {
  return frame(FrameType.rstStream, { stream, payload: uint32(code) });
}

export function goaway(lastStream: number, code = 0, debug: Uint8Array = new Uint8Array()): Buffer {
  const payload = Buffer.concat([uint32(lastStream), uint32(code), debug]);
  return frame(FrameType.goaway, { payload });
}

export function windowUpdate(stream: number, increment: number): Buffer {
  return frame(FrameType.windowUpdate, { stream, payload: uint32(increment) });
}

export function ping(payload: Uint8Array = new Uint8Array(8), flags = 0): Buffer {
  return frame(FrameType.ping, { flags, payload });
}

export function data(stream: number, payload: Uint8Array, endStream = false): Buffer {
  return frame(FrameType.data, {
    stream,
    payload,
    flags: endStream ? Flag.endStream : Flag.none,
  });
}

/** An HPACK integer with a prefix of `bits` bits (RFC 7541, section 5.1). */
function hpackInteger(value: number, bits: number, first = 0): number[] {
  const limit = 2 ** bits - 1;
  if (value < limit) return [first | value];
  const out = [first | limit];
  for (let rest = value - limit;; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...out, rest];
    out.push((rest % 128) | 128);
  }
}

function hpackString(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([Uint8Array.from(hpackInteger(bytes.length, 7)), bytes]);
}

/** Headers as HPACK literals without indexing and without Huffman coding. */
export function hpack(headers: readonly (readonly [name: string, value: string])[]): Buffer {
  const literal = Uint8Array.of(0);
  return Buffer.concat(
    headers.flatMap(([name, value]) => [literal, hpackString(name), hpackString(value)]),
  );
}

export function requestHeaders(
  path: string,
  extra: readonly (readonly [name: string, value: string])[] = [],
): Buffer {
  return hpack([
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "localhost"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ...extra,
  ]);
}

export function headers(stream: number, block: Uint8Array, flags: number = Flag.endHeaders): Buffer {
  return frame(FrameType.headers, { stream, payload: block, flags });
}

/** A gRPC message: one byte "compressed", four bytes length, then the bytes. */
export function grpcMessage(body: Uint8Array, options: { declaredLength?: number; compressed?: number } = {}): Buffer {
  return Buffer.concat([
    Uint8Array.of(options.compressed ?? 0),
    uint32(options.declaredLength ?? body.length),
    body,
  ]);
}
