import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { type Frame, readUint32 } from "../../../src/grpc/http2/frames.ts";
import { encodeHeaders } from "../../../src/grpc/http2/header_encoder.ts";
import type { Http2Stream } from "../../../src/grpc/http2/stream.ts";
import { Flag, frame, FrameType, PREFACE, settings } from "../../crash/http2_frames.ts";
import { RawPeer } from "./wire.ts";

export type Fields = [name: string, value: string][];

export type Outcome =
  /** The connection ends with this code. */
  | { goaway: number }
  /** The stream, 1 by default, is reset with this code, and the connection goes on. */
  | { reset: number; stream?: number }
  /** The connection goes on, and no stream is reset. */
  | "goes on";

export interface Rule {
  /** Section of RFC 9113. */
  section: string;
  rule: string;
  /** Frames of the peer after the prefaces. */
  send: Uint8Array[];
  outcome: Outcome;
}

export const post: Fields = [[":method", "POST"], [":scheme", "http"], [":path", "/a/b"]];

/** A HEADERS frame. */
export function headers(
  fields: Fields = post,
  { stream = 1, flags = Flag.endHeaders, payload = encodeHeaders(fields) }: {
    stream?: number;
    flags?: number;
    payload?: Uint8Array;
  } = {},
): Uint8Array {
  return frame(FrameType.headers, { stream, flags, payload });
}

/** A message without a body. */
export function whole(stream: number, fields: Fields = post): Uint8Array {
  return headers(fields, { stream, flags: Flag.endHeaders | Flag.endStream });
}

/** A DATA frame of zeros. */
export function data(stream: number, length: number, flags = 0): Uint8Array {
  return frame(FrameType.data, { stream, flags, payload: Buffer.alloc(length) });
}

export function setting(id: number, value: number): Uint8Array {
  return settings([[id, value]]);
}

/** Takes requests, and answers none. */
export function hold(stream: Http2Stream): void {
  stream.events = { onData: () => {}, onEnd: () => {}, onClose: () => {} };
}

/** Returns the code of the GOAWAY frame among frames; undefined without one. */
export function goawayCode(frames: readonly Frame[]): number | undefined {
  const goaway = frames.find(({ type }) => type === FrameType.goaway);
  return goaway && readUint32(goaway.payload, 4);
}

/** Returns the streams and codes of the RST_STREAM frames among frames. */
export function resetsOf(frames: readonly Frame[]): [stream: number, code: number][] {
  return frames.filter(({ type }) => type === FrameType.rstStream)
    .map(({ streamId, payload }) => [streamId, readUint32(payload, 0)]);
}

/** Returns a server's peer after the prefaces. */
export function peerOfServer(options: ConstructorParameters<typeof RawPeer>[0] = {}): RawPeer {
  const peer = new RawPeer({ onRequest: hold, ...options });
  peer.exchange(PREFACE, settings());
  return peer;
}

/** Returns a client's peer after the prefaces, and after a request on stream 1. */
export function peerOfClient(): RawPeer {
  const peer = new RawPeer({ role: "client" });
  peer.exchange(settings());
  peer.connection.request(encodeHeaders(post), { onData: () => {}, onEnd: () => {}, onClose: () => {} });
  peer.exchange();
  return peer;
}

/** Declares a test for each rule. */
export function testRules(rules: readonly Rule[], open: () => RawPeer): void {
  for (const { section, rule, send, outcome } of rules) {
    Deno.test(`RFC 9113, ${section}: ${rule}`, () => assertOutcome(open(), { send, outcome }));
  }
}

function assertOutcome(peer: RawPeer, { send, outcome }: Pick<Rule, "send" | "outcome">): void {
  const answers = peer.exchange(...send);
  if (typeof outcome === "object" && "goaway" in outcome) {
    assert.equal(goawayCode(answers), outcome.goaway);
    assert.deepEqual([peer.isEnded, peer.connection.isClosed], [true, true]);
    return;
  }
  assert.equal(goawayCode(answers), undefined);
  assert.deepEqual(resetsOf(answers), outcome === "goes on" ? [] : [[outcome.stream ?? 1, outcome.reset]]);
  const pong = peer.exchange(frame(FrameType.ping, { payload: Buffer.from("continue") }));
  assert.equal(pong.at(-1)?.type, FrameType.ping);
}
