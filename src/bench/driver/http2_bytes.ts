/** The parts of HTTP/2 that one call of gRPC needs, as prebuilt bytes (RFC 9113 and RFC 7541). */

export const headBytes = 9;
/** The largest payload that a peer takes without asking (RFC 9113, section 6.5.2). */
export const maxPayload = 16_384;
export const frameType = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
} as const;
export const flagAck = 1;
export const flagEndStream = 1;
const flagEndHeaders = 4;
export const initialWindowSetting = 4;
/** The stream of the one call of a connection. */
export const callStream = 1;
export const initialWindow = 65_535;
const largestWindow = 2 ** 31 - 1;
/** Index 31 of the static table (RFC 7541, appendix A), without indexing. */
const nameOfContentType = [0x0f, 0x10];

const ascii = new TextEncoder();
/** The first bytes of a client (RFC 9113, section 3.4). */
export const preface = ascii.encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Writes the head of a frame (RFC 9113, section 4.1). */
export function putHead(
  bytes: Uint8Array,
  at: number,
  { length, type, flags = 0, stream }: { length: number; type: number; flags?: number; stream: number },
): void {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  putUint32(bytes, at + 5, stream);
}

export function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

export function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

export function frame(type: number, payload: readonly number[], { stream = 0, flags = 0 } = {}): Uint8Array {
  const bytes = new Uint8Array(headBytes + payload.length);
  putHead(bytes, 0, { length: payload.length, type, flags, stream });
  bytes.set(payload, headBytes);
  return bytes;
}

export const settingsAck = frame(frameType.settings, [], { flags: flagAck });

/** Grants `more` octets to the peer, on the connection and on the stream of the call. */
export function windowUpdates(more: number): Uint8Array {
  const octets = octetsOf(more);
  return concatenate([
    frame(frameType.windowUpdate, octets),
    frame(frameType.windowUpdate, octets, { stream: callStream }),
  ]);
}

/** Returns the beginning of a connection: preface, settings, the largest windows and the headers of the call. */
export function openingBytes({ scheme, authority, path }: { scheme: string; authority: string; path: string }) {
  return concatenate([
    preface,
    ...largestWindows(),
    frame(frameType.headers, headerBlock({ scheme, authority, path }), { stream: callStream, flags: flagEndHeaders }),
  ]);
}

/** Returns the beginning of the answer to a call: settings, the largest window of the connection, and headers. */
export function answerBytes(): Uint8Array {
  const status200 = 0x88;
  const fields = [status200, ...nameOfContentType, ...text("application/grpc")];
  return concatenate([
    ...largestWindows(),
    frame(frameType.headers, fields, { stream: callStream, flags: flagEndHeaders }),
  ]);
}

function largestWindows(): Uint8Array[] {
  return [
    frame(frameType.settings, [0, initialWindowSetting, ...octetsOf(largestWindow)]),
    frame(frameType.windowUpdate, octetsOf(largestWindow - initialWindow)),
  ];
}

/** Fields with indexes of the static table, or literal and without indexing (RFC 7541, sections 6.1 and 6.2.2). */
function headerBlock({ scheme, authority, path }: { scheme: string; authority: string; path: string }): number[] {
  const [methodPost, schemeHttp, schemeHttps, nameOfPath, nameOfAuthority] = [0x83, 0x86, 0x87, 0x04, 0x01];
  return [
    methodPost,
    scheme === "https" ? schemeHttps : schemeHttp,
    nameOfPath,
    ...text(path),
    nameOfAuthority,
    ...text(authority),
    ...nameOfContentType,
    ...text("application/grpc"),
    0,
    ...text("te"),
    ...text("trailers"),
  ];
}

/** A string without Huffman coding, shorter than 127 octets. */
function text(value: string): number[] {
  const octets = [...ascii.encode(value)];
  if (octets.length > 126) throw new RangeError(`"${value}" is too long for a prebuilt header`);
  return [octets.length, ...octets];
}

function octetsOf(value: number): number[] {
  const bytes = new Uint8Array(4);
  putUint32(bytes, 0, value);
  return [...bytes];
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
