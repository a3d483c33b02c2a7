import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { ErrorCode } from "../../../src/grpc/http2/errors.ts";
import { encodeHeaders } from "../../../src/grpc/http2/header_encoder.ts";
import { readUint32 } from "../../../src/grpc/http2/frames.ts";
import {
  Flag,
  frame,
  FrameType,
  PREFACE,
  rstStream,
  settings,
  SETTINGS_ACK,
  uint32,
  windowUpdate,
} from "../../crash/http2_frames.ts";
import { data, goawayCode, headers, hold, peerOfServer, post, resetsOf, type Rule, testRules, whole } from "./rules.ts";
import { limits, RawPeer } from "./wire.ts";

const { protocolError, frameSizeError, streamClosed, refusedStream } = ErrorCode;

/** Frames and streams (RFC 9113, sections 4 and 5). */
const rules: Rule[] = [
  {
    section: "4.1",
    rule: "a frame of an unknown type is ignored",
    send: [frame(0xbe, { payload: Buffer.alloc(9) })],
    outcome: "goes on",
  },
  {
    section: "4.1",
    rule: "the reserved bit of a stream's number is ignored",
    send: [frame(FrameType.ping, { stream: 0x8000_0000, payload: Buffer.alloc(8) })],
    outcome: "goes on",
  },
  {
    section: "4.2",
    rule: "a frame longer than 16,384 octets",
    send: [frame(FrameType.data, { stream: 1, payload: Buffer.alloc(16_385) })],
    outcome: { goaway: frameSizeError },
  },
  {
    section: "4.3",
    rule: "a frame within a header block",
    send: [headers(post, { flags: 0 }), frame(FrameType.ping, { payload: Buffer.alloc(8) })],
    outcome: { goaway: protocolError },
  },
  {
    section: "4.3",
    rule: "CONTINUATION of another stream",
    send: [headers(post, { flags: 0 }), frame(FrameType.continuation, { stream: 3, flags: Flag.endHeaders })],
    outcome: { goaway: protocolError },
  },
  {
    section: "4.3",
    rule: "a header block that does not decode",
    send: [headers([], { payload: Buffer.from([0x80]) })],
    outcome: { goaway: ErrorCode.compressionError },
  },
  { section: "5.1", rule: "DATA for an idle stream", send: [data(1, 1)], outcome: { goaway: protocolError } },
  {
    section: "5.1",
    rule: "RST_STREAM for an idle stream",
    send: [frame(FrameType.rstStream, { stream: 1, payload: uint32(8) })],
    outcome: { goaway: protocolError },
  },
  {
    section: "5.1",
    rule: "WINDOW_UPDATE for an idle stream",
    send: [frame(FrameType.windowUpdate, { stream: 1, payload: uint32(1) })],
    outcome: { goaway: protocolError },
  },
  { section: "5.1", rule: "DATA after END_STREAM", send: [whole(1), data(1, 1)], outcome: { reset: streamClosed } },
  { section: "5.1", rule: "HEADERS after END_STREAM", send: [whole(1), whole(1)], outcome: { reset: streamClosed } },
  {
    section: "5.1",
    rule: "DATA after RST_STREAM",
    send: [headers(), frame(FrameType.rstStream, { stream: 1, payload: uint32(8) }), data(1, 1)],
    outcome: { reset: streamClosed },
  },
  {
    section: "5.1",
    rule: "HEADERS after RST_STREAM",
    send: [headers(), frame(FrameType.rstStream, { stream: 1, payload: uint32(8) }), whole(1)],
    outcome: { goaway: streamClosed },
  },
  {
    section: "5.1",
    rule: "WINDOW_UPDATE and RST_STREAM for a closed stream",
    send: [
      headers(),
      frame(FrameType.rstStream, { stream: 1, payload: uint32(8) }),
      frame(FrameType.windowUpdate, { stream: 1, payload: uint32(1) }),
      frame(FrameType.rstStream, { stream: 1, payload: uint32(8) }),
    ],
    outcome: "goes on",
  },
  {
    section: "5.1.1",
    rule: "a stream of a client with an even number",
    send: [whole(2)],
    outcome: { goaway: protocolError },
  },
  {
    section: "5.1.1",
    rule: "a stream with a lower number than the last one",
    send: [whole(5), whole(3)],
    outcome: { goaway: streamClosed },
  },
  {
    section: "5.1.2",
    rule: "a stream beyond the bound",
    send: [1, 3, 5, 7, 9].map((id) => headers(post, { stream: id })),
    outcome: { reset: refusedStream, stream: 9 },
  },
  {
    section: "5.3",
    rule: "a stream that depends on itself",
    send: [frame(FrameType.priority, { stream: 1, payload: Buffer.from([0, 0, 0, 1, 7]) })],
    outcome: "goes on",
  },
  {
    section: "5.5",
    rule: "unknown flags are ignored",
    send: [frame(FrameType.ping, { flags: 0xfe, payload: Buffer.alloc(8) })],
    outcome: "goes on",
  },
  {
    section: "4.2",
    rule: "a frame of 16,384 octets is taken",
    send: [headers(), data(1, 16_384)],
    outcome: "goes on",
  },
  {
    section: "4.2",
    rule: "HEADERS longer than 16,384 octets",
    send: [headers(post, { payload: Buffer.alloc(16_385) })],
    outcome: { goaway: frameSizeError },
  },
  {
    section: "4.3",
    rule: "a frame of an unknown type within a header block",
    send: [headers(post, { flags: 0 }), frame(0xbe, { stream: 1 })],
    outcome: { goaway: protocolError },
  },
  {
    section: "4.3",
    rule: "HEADERS of another stream within a header block",
    send: [headers(post, { flags: 0 }), headers(post, { stream: 3 })],
    outcome: { goaway: protocolError },
  },
  {
    section: "4.3",
    rule: "a header block that ends within a field",
    send: [headers([], { payload: Buffer.from([0x40, 0x05, 0x61]) })],
    outcome: { goaway: ErrorCode.compressionError },
  },
  {
    section: "4.3",
    rule: "the block of a refused stream still changes the table of fields",
    send: [
      ...[1, 3, 5, 7].map((stream) => headers(post, { stream })),
      headers([], { stream: 9, payload: Buffer.concat([Buffer.from([0x40, 1, 0x61, 1, 0x62])]) }),
      rstStream(1),
      // Field 62 is the newest of the table.
      headers([], { stream: 11, payload: Buffer.concat([encodeHeaders(post), Buffer.from([0xbe])]) }),
    ],
    outcome: { reset: refusedStream, stream: 9 },
  },
  {
    section: "5.1",
    rule: "DATA for a stream of the server",
    send: [whole(3), data(2, 1)],
    outcome: { goaway: protocolError },
  },
  {
    section: "5.1",
    rule: "PRIORITY for idle and closed streams",
    send: [
      headers(),
      rstStream(1),
      ...[1, 3].map((stream) => frame(FrameType.priority, { stream, payload: Buffer.alloc(5) })),
    ],
    outcome: "goes on",
  },
  {
    section: "5.1",
    rule: "WINDOW_UPDATE, PRIORITY and RST_STREAM after END_STREAM",
    send: [
      whole(1),
      windowUpdate(1, 1),
      frame(FrameType.priority, { stream: 1, payload: Buffer.alloc(5) }),
      rstStream(1),
    ],
    outcome: "goes on",
  },
  {
    section: "5.1",
    rule: "DATA, trailers and resets that were under way when the server reset the stream",
    send: [headers(), windowUpdate(1, 0), data(1, 10), windowUpdate(1, 0), whole(1, [["a", "b"]]), rstStream(1)],
    outcome: { reset: protocolError },
  },
  {
    section: "5.1.1",
    rule: "an even number below the last one",
    send: [whole(5), whole(2)],
    outcome: { goaway: protocolError },
  },
  {
    section: "5.1.2",
    rule: "streams that have ended leave room for others",
    send: [1, 3, 5, 7, 9, 11].flatMap((stream) => [headers(post, { stream }), rstStream(stream)]),
    outcome: "goes on",
  },
  {
    section: "5.4.2",
    rule: "RST_STREAM is not answered",
    send: [headers(), rstStream(1), rstStream(1)],
    outcome: "goes on",
  },
];

testRules(rules, peerOfServer);

Deno.test("RFC 9113, 3.4: the first frame of a server is SETTINGS, and comes without being asked", () => {
  const [first] = new RawPeer().exchange();
  assert.deepEqual([first.type, first.flags, first.streamId], [FrameType.settings, 0, 0]);
});

Deno.test("RFC 9113, 3.4: an acknowledgement is not the first SETTINGS", () => {
  const peer = new RawPeer();
  assert.equal(goawayCode(peer.exchange(PREFACE, SETTINGS_ACK)), protocolError);
});

Deno.test("RFC 9113, 5.4.1: GOAWAY names the last stream, and frames after the error are not processed", () => {
  let requests = 0;
  const peer = peerOfServer({
    onRequest: (stream) => {
      requests++;
      hold(stream);
    },
  });
  const answers = peer.exchange(whole(1), whole(3), data(0, 1), whole(5));
  assert.equal(readUint32(answers.at(-1)!.payload, 0), 3);
  assert.equal(requests, 2);
});

Deno.test("RFC 9113, 5.1: DATA for a stream that the server reset is bounded by the window that the stream had", () => {
  const peer = peerOfServer({ limits: { ...limits, connectionWindow: 1_000_000 } });
  peer.exchange(headers(), data(1, 16_384), windowUpdate(1, 0));
  const late = peer.exchange(...Array.from({ length: 3 }, () => data(1, 16_000)));
  assert.deepEqual([goawayCode(late), resetsOf(late)], [undefined, []]);
  assert.equal(goawayCode(peer.exchange(data(1, 16_000))), ErrorCode.flowControlError);
});

for (
  const [name, octets] of Object.entries({
    "HTTP/1": Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    "a TLS handshake": Buffer.from([0x16, 3, 1]),
  })
) {
  Deno.test(`RFC 9113, 3.4: ${name} instead of a preface ends the connection`, () => {
    const peer = new RawPeer();
    peer.exchange(octets);
    assert.equal(peer.isEnded, true);
  });
}

Deno.test("RFC 9113, 3.4: the first frame must be SETTINGS", () => {
  const peer = new RawPeer();
  const answers = peer.exchange(PREFACE, frame(FrameType.ping, { payload: Buffer.alloc(8) }));
  assert.equal(readUint32(answers.at(-1)!.payload, 4), protocolError);
});

Deno.test("octets may come one by one", () => {
  const peer = new RawPeer({ onRequest: hold });
  const all = Buffer.concat([PREFACE, settings(), whole(1), frame(FrameType.ping, { payload: Buffer.alloc(8) })]);
  const answers = [...all].flatMap((octet) => peer.exchange(Uint8Array.of(octet)));
  assert.equal(answers.at(-1)!.type, FrameType.ping);
  assert.equal(peer.connection.streams, 1);
});
