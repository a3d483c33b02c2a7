/** The parts of HTTP/2 that one call of gRPC needs, as prebuilt bytes (RFC 9113 and RFC 7541). */

import { concatenate } from "../../core/concatenate.ts";
import { initialWindow, maxWindow } from "../../grpc/http2/flow_window.ts";
import {
  clientPreface,
  encodeFrame,
  encodeNumberFrame,
  encodeSettings,
  Flag,
  FrameType,
  Setting,
} from "../../grpc/http2/frames.ts";

/** The stream of the one call of a connection. */
export const callStream = 1;
/** Index 31 of the static table (RFC 7541, appendix A), without indexing. */
const nameOfContentType = [0x0f, 0x10];

const ascii = new TextEncoder();

export const settingsAck = encodeFrame(FrameType.settings, { flags: Flag.ack, payload: new Uint8Array() });

/** Grants `more` octets to the peer, on the connection and on the stream of the call. */
export function windowUpdates(more: number): Uint8Array {
  return concatenate([0, callStream].map((streamId) => windowUpdate(streamId, more)));
}

/** Returns the beginning of a connection: preface, settings, the largest windows and the headers of the call. */
export function openingBytes({ scheme, authority, path }: { scheme: string; authority: string; path: string }) {
  return concatenate([
    clientPreface,
    ...largestWindows(),
    headersOf(headerBlock({ scheme, authority, path })),
  ]);
}

/** Returns the beginning of the answer to a call: settings, the largest window of the connection, and headers. */
export function answerBytes(): Uint8Array {
  const status200 = 0x88;
  return concatenate([
    ...largestWindows(),
    headersOf([status200, ...nameOfContentType, ...text("application/grpc")]),
  ]);
}

function largestWindows(): Uint8Array[] {
  return [
    encodeSettings([[Setting.initialWindowSize, maxWindow]]),
    windowUpdate(0, maxWindow - initialWindow),
  ];
}

function windowUpdate(streamId: number, value: number): Uint8Array {
  return encodeNumberFrame(FrameType.windowUpdate, { streamId, value });
}

function headersOf(block: readonly number[]): Uint8Array {
  const payload = new Uint8Array(block);
  return encodeFrame(FrameType.headers, { streamId: callStream, flags: Flag.endHeaders, payload });
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
