import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { ErrorCode } from "../../../src/grpc/http2/errors.ts";
import { encodeHeaders } from "../../../src/grpc/http2/header_encoder.ts";
import { Flag, frame, FrameType, goaway, rstStream, settings, uint32, windowUpdate } from "../../crash/http2_frames.ts";
import {
  data,
  type Fields,
  goawayCode,
  headers,
  peerOfClient,
  post,
  type Rule,
  setting,
  testRules,
  whole,
} from "./rules.ts";
import { RawPeer } from "./wire.ts";

const { protocolError, streamClosed, enhanceYourCalm } = ErrorCode;

const ok: Fields = [[":status", "200"]];

/** Rules that a client holds its server to; stream 1 is open. */
const rules: Rule[] = [
  {
    section: "5.1",
    rule: "HEADERS for an idle stream",
    send: [headers(ok, { stream: 3 })],
    outcome: { goaway: protocolError },
  },
  { section: "5.1", rule: "DATA for an idle stream", send: [data(3, 1)], outcome: { goaway: protocolError } },
  { section: "5.1", rule: "RST_STREAM for an idle stream", send: [rstStream(3)], outcome: { goaway: protocolError } },
  {
    section: "5.1",
    rule: "WINDOW_UPDATE for an idle stream",
    send: [windowUpdate(3, 1)],
    outcome: { goaway: protocolError },
  },
  {
    section: "5.1.1",
    rule: "HEADERS for a stream of the server",
    send: [headers(ok, { stream: 2 })],
    outcome: { goaway: protocolError },
  },
  { section: "5.1", rule: "DATA after END_STREAM", send: [whole(1, ok), data(1, 1)], outcome: { reset: streamClosed } },
  {
    section: "5.1",
    rule: "HEADERS after END_STREAM",
    send: [whole(1, ok), whole(1, ok)],
    outcome: { reset: streamClosed },
  },
  {
    section: "5.1",
    rule: "late frames of a stream that the server reset",
    send: [rstStream(1), windowUpdate(1, 1), rstStream(1)],
    outcome: "goes on",
  },
  { section: "6.5.2", rule: "ENABLE_PUSH of 1", send: [setting(2, 1)], outcome: { goaway: protocolError } },
  { section: "6.5.2", rule: "ENABLE_PUSH of 0", send: [setting(2, 0)], outcome: "goes on" },
  {
    section: "6.6",
    rule: "PUSH_PROMISE",
    send: [frame(FrameType.pushPromise, { stream: 1, flags: Flag.endHeaders, payload: uint32(2) })],
    outcome: { goaway: protocolError },
  },
  { section: "8.1", rule: "DATA before the response", send: [data(1, 1)], outcome: { reset: protocolError } },
  {
    section: "8.1",
    rule: "interim responses before the final one",
    send: [headers([[":status", "100"]]), headers([[":status", "103"]]), whole(1, ok)],
    outcome: "goes on",
  },
  {
    section: "8.1",
    rule: "an interim response that ends the stream",
    send: [whole(1, [[":status", "100"]])],
    outcome: { reset: protocolError },
  },
  { section: "8.1", rule: "a second response", send: [headers(ok), headers(ok)], outcome: { reset: protocolError } },
  {
    section: "8.1",
    rule: "trailers without END_STREAM",
    send: [headers(ok), headers([["a", "b"]])],
    outcome: { reset: protocolError },
  },
  { section: "8.1", rule: "trailers", send: [headers(ok), data(1, 5), whole(1, [["a", "b"]])], outcome: "goes on" },
  {
    section: "8.1.1",
    rule: "a body shorter than content-length",
    send: [headers([...ok, ["content-length", "2"]]), data(1, 1, Flag.endStream)],
    outcome: { reset: protocolError },
  },
  {
    section: "8.1.1",
    rule: "a body longer than content-length",
    send: [headers([...ok, ["content-length", "2"]]), data(1, 3)],
    outcome: { reset: protocolError },
  },
  {
    section: "8.2.1",
    rule: "a field's name in uppercase",
    send: [headers([...ok, ["Name", "x"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.2.2",
    rule: "a field of a connection",
    send: [headers([...ok, ["connection", "close"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.3.2",
    rule: "a response without :status",
    send: [headers([["a", "b"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.3.2",
    rule: "a pseudo-header field of a request",
    send: [headers([...ok, [":path", "/"]])],
    outcome: { reset: protocolError },
  },
  ...["", "20", "2000", "099", "600", "abc"].map((status): Rule => ({
    section: "8.3.2",
    rule: `a status of "${status}"`,
    send: [headers([[":status", status]])],
    outcome: { reset: protocolError },
  })),
  { section: "8.6", rule: "status 101", send: [headers([[":status", "101"]])], outcome: { reset: protocolError } },
  {
    section: "10.5",
    rule: "a flood of interim responses",
    send: Array.from({ length: 2_000 }, () => headers([[":status", "100"]])),
    outcome: { goaway: enhanceYourCalm },
  },
  {
    section: "10.5",
    rule: "a flood of HEADERS for a stream that has ended",
    send: [rstStream(1), ...Array.from({ length: 2_000 }, () => headers(ok))],
    outcome: { goaway: enhanceYourCalm },
  },
  {
    section: "10.5.1",
    rule: "a response with too many fields",
    send: [headers([...ok, ...Array.from({ length: 400 }, (): [string, string] => ["name", "12345678"])])],
    outcome: { reset: enhanceYourCalm },
  },
];

testRules(rules, peerOfClient);

const request = (peer: RawPeer, closed: unknown[] = []) =>
  peer.connection.request(encodeHeaders(post), {
    onData: () => {},
    onEnd: () => {},
    onClose: (code) => void closed.push(code),
  });

Deno.test("RFC 9113, 3.4: a client sends its preface and SETTINGS without push first", () => {
  const [first] = new RawPeer({ role: "client" }).exchange();
  assert.equal(first.type, FrameType.settings);
  assert.deepEqual([...first.payload.subarray(0, 6)], [0, 2, 0, 0, 0, 0]);
});

Deno.test("RFC 9113, 3.4: the first frame of a server must be SETTINGS", () => {
  const peer = new RawPeer({ role: "client" });
  assert.equal(goawayCode(peer.exchange(frame(FrameType.ping, { payload: Buffer.alloc(8) }))), protocolError);
});

Deno.test("RFC 9113, 5.1.1: streams of a client have odd numbers that grow", () => {
  const peer = new RawPeer({ role: "client" });
  peer.exchange(settings());
  assert.deepEqual([request(peer), request(peer)].map(({ id }) => id), [1, 3]);
});

Deno.test("RFC 9113, 5.1.2: a client makes no more requests than its server allows", () => {
  const peer = new RawPeer({ role: "client" });
  peer.exchange(setting(3, 1));
  const stream = request(peer);
  assert.equal(peer.connection.takesRequests, false);
  assert.throws(() => request(peer), TypeError);
  stream.reset(ErrorCode.cancel);
  assert.equal(peer.connection.takesRequests, true);
});

Deno.test("RFC 9113, 6.8: GOAWAY refuses the streams beyond its last one, and all later requests", () => {
  const peer = new RawPeer({ role: "client" });
  const closed: unknown[] = [];
  peer.exchange(settings());
  request(peer, closed);
  request(peer, closed);
  peer.exchange(goaway(1));
  assert.deepEqual(closed, [ErrorCode.refusedStream]);
  assert.deepEqual([peer.connection.takesRequests, peer.connection.isClosed], [false, false]);
  peer.exchange(rstStream(1));
  assert.equal(peer.connection.isClosed, true);
});

Deno.test("RFC 9113, 6.4: a stream that the server resets is closed with the server's code", () => {
  const peer = new RawPeer({ role: "client" });
  const closed: unknown[] = [];
  peer.exchange(settings());
  request(peer, closed);
  peer.exchange(rstStream(1, ErrorCode.refusedStream));
  assert.deepEqual(closed, [ErrorCode.refusedStream]);
});
