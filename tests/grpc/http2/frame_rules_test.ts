import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { ErrorCode } from "../../../src/grpc/http2/errors.ts";
import { encodeHeaders } from "../../../src/grpc/http2/header_encoder.ts";
import {
  Flag,
  frame,
  FrameType,
  goaway,
  PREFACE,
  rstStream,
  settings,
  uint32,
  windowUpdate,
} from "../../crash/http2_frames.ts";
import {
  data,
  goawayCode,
  headers,
  peerOfServer,
  post,
  resetsOf,
  type Rule,
  setting,
  testRules,
  whole,
} from "./rules.ts";
import { limits, RawPeer } from "./wire.ts";

const { protocolError, frameSizeError, flowControlError } = ErrorCode;

/** Types of frames (RFC 9113, section 6). */
const rules: Rule[] = [
  { section: "6.1", rule: "DATA without a stream", send: [data(0, 1)], outcome: { goaway: protocolError } },
  {
    section: "6.1",
    rule: "padding as long as the payload",
    send: [headers(), frame(FrameType.data, { stream: 1, flags: Flag.padded, payload: Buffer.from([1]) })],
    outcome: { goaway: protocolError },
  },
  {
    section: "6.1",
    rule: "padding that fills the rest",
    send: [headers(), frame(FrameType.data, { stream: 1, flags: Flag.padded, payload: Buffer.from([1, 0]) })],
    outcome: "goes on",
  },
  {
    section: "6.2",
    rule: "HEADERS without a stream",
    send: [headers(post, { stream: 0 })],
    outcome: { goaway: protocolError },
  },
  {
    section: "6.2",
    rule: "HEADERS with more padding than payload",
    send: [headers(post, { flags: Flag.endHeaders | Flag.padded, payload: Buffer.from([9, 0x82]) })],
    outcome: { goaway: protocolError },
  },
  {
    section: "6.2",
    rule: "HEADERS with padding and a priority",
    send: [
      headers(post, {
        flags: Flag.endHeaders | Flag.endStream | Flag.padded | Flag.priority,
        payload: Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 7]), encodeHeaders(post), Buffer.alloc(2)]),
      }),
    ],
    outcome: "goes on",
  },
  {
    section: "6.3",
    rule: "PRIORITY without a stream",
    send: [frame(FrameType.priority, { payload: Buffer.alloc(5) })],
    outcome: { goaway: protocolError },
  },
  {
    section: "6.3",
    rule: "PRIORITY of another length",
    send: [headers(), frame(FrameType.priority, { stream: 1, payload: Buffer.alloc(4) })],
    outcome: { reset: frameSizeError },
  },
  {
    section: "6.4",
    rule: "an idle stream is not reset: PRIORITY of another length",
    send: [frame(FrameType.priority, { stream: 1, payload: Buffer.alloc(4) })],
    outcome: { goaway: frameSizeError },
  },
  {
    section: "6.4",
    rule: "RST_STREAM without a stream",
    send: [frame(FrameType.rstStream, { payload: uint32(8) })],
    outcome: { goaway: protocolError },
  },
  {
    section: "6.4",
    rule: "RST_STREAM of another length",
    send: [headers(), frame(FrameType.rstStream, { stream: 1, payload: Buffer.alloc(3) })],
    outcome: { goaway: frameSizeError },
  },
  {
    section: "6.5",
    rule: "SETTINGS of a stream",
    send: [frame(FrameType.settings, { stream: 1 })],
    outcome: { goaway: protocolError },
  },
  {
    section: "6.5",
    rule: "SETTINGS with half an entry",
    send: [frame(FrameType.settings, { payload: Buffer.alloc(5) })],
    outcome: { goaway: frameSizeError },
  },
  {
    section: "6.5",
    rule: "an acknowledgement of SETTINGS with a payload",
    send: [frame(FrameType.settings, { flags: Flag.ack, payload: Buffer.alloc(6) })],
    outcome: { goaway: frameSizeError },
  },
  { section: "6.5.2", rule: "ENABLE_PUSH of 2", send: [setting(2, 2)], outcome: { goaway: protocolError } },
  { section: "6.5.2", rule: "an unknown setting is ignored", send: [setting(0xbe, 7)], outcome: "goes on" },
  {
    section: "6.5.2",
    rule: "INITIAL_WINDOW_SIZE beyond 2^31-1",
    send: [setting(4, 2 ** 31)],
    outcome: { goaway: flowControlError },
  },
  {
    section: "6.5.2",
    rule: "MAX_FRAME_SIZE below 16,384",
    send: [setting(5, 16_383)],
    outcome: { goaway: protocolError },
  },
  {
    section: "6.5.2",
    rule: "MAX_FRAME_SIZE beyond 2^24-1",
    send: [setting(5, 2 ** 24)],
    outcome: { goaway: protocolError },
  },
  {
    section: "6.6",
    rule: "PUSH_PROMISE of a client",
    send: [frame(FrameType.pushPromise, { stream: 1, flags: Flag.endHeaders, payload: uint32(2) })],
    outcome: { goaway: protocolError },
  },
  {
    section: "6.7",
    rule: "PING of a stream",
    send: [frame(FrameType.ping, { stream: 1, payload: Buffer.alloc(8) })],
    outcome: { goaway: protocolError },
  },
  {
    section: "6.7",
    rule: "PING of another length",
    send: [frame(FrameType.ping, { payload: Buffer.alloc(7) })],
    outcome: { goaway: frameSizeError },
  },
  {
    section: "6.7",
    rule: "an acknowledgement of a PING that was not sent",
    send: [frame(FrameType.ping, { flags: Flag.ack, payload: Buffer.alloc(8) })],
    outcome: "goes on",
  },
  {
    section: "6.8",
    rule: "GOAWAY of a stream",
    send: [frame(FrameType.goaway, { stream: 1, payload: Buffer.alloc(8) })],
    outcome: { goaway: protocolError },
  },
  {
    section: "6.9",
    rule: "WINDOW_UPDATE of another length",
    send: [frame(FrameType.windowUpdate, { payload: Buffer.alloc(3) })],
    outcome: { goaway: frameSizeError },
  },
  {
    section: "6.9",
    rule: "WINDOW_UPDATE of the connection by nothing",
    send: [frame(FrameType.windowUpdate, { payload: uint32(0) })],
    outcome: { goaway: protocolError },
  },
  {
    section: "6.9",
    rule: "WINDOW_UPDATE of a stream by nothing",
    send: [headers(), frame(FrameType.windowUpdate, { stream: 1, payload: uint32(0) })],
    outcome: { reset: protocolError },
  },
  {
    section: "6.9.1",
    rule: "a window of the connection beyond 2^31-1",
    send: [frame(FrameType.windowUpdate, { payload: uint32(2 ** 31 - 1) })],
    outcome: { goaway: flowControlError },
  },
  {
    section: "6.9.1",
    rule: "a window of a stream beyond 2^31-1",
    send: [headers(), frame(FrameType.windowUpdate, { stream: 1, payload: uint32(2 ** 31 - 1) })],
    outcome: { reset: flowControlError },
  },
  {
    section: "6.9.1",
    rule: "more DATA than the window",
    send: [headers(), ...Array.from({ length: 5 }, () => data(1, 16_384))],
    outcome: { goaway: flowControlError },
  },
  {
    section: "6.9.2",
    rule: "INITIAL_WINDOW_SIZE that makes an open stream's window too large",
    send: [
      headers(),
      frame(FrameType.windowUpdate, { stream: 1, payload: uint32(2 ** 31 - 1 - 65_535) }),
      setting(4, 65_536),
    ],
    outcome: { goaway: flowControlError },
  },
  {
    section: "6.10",
    rule: "CONTINUATION without HEADERS",
    send: [whole(1), frame(FrameType.continuation, { stream: 1, flags: Flag.endHeaders })],
    outcome: { goaway: protocolError },
  },
  {
    section: "6.10",
    rule: "a header block in several frames",
    send: [
      headers([], { flags: Flag.endStream, payload: encodeHeaders(post).subarray(0, 1) }),
      frame(FrameType.continuation, { stream: 1 }),
      frame(FrameType.continuation, { stream: 1, flags: Flag.endHeaders, payload: encodeHeaders(post).subarray(1) }),
    ],
    outcome: "goes on",
  },
  {
    section: "6.1",
    rule: "padded DATA without a length of the padding",
    send: [headers(), frame(FrameType.data, { stream: 1, flags: Flag.padded })],
    outcome: { goaway: frameSizeError },
  },
  {
    section: "6.2",
    rule: "padded HEADERS without a length of the padding",
    send: [headers(post, { flags: Flag.endHeaders | Flag.padded, payload: Buffer.alloc(0) })],
    outcome: { goaway: frameSizeError },
  },
  {
    section: "6.2",
    rule: "HEADERS with half a priority",
    send: [headers(post, { flags: Flag.endHeaders | Flag.priority, payload: Buffer.alloc(4) })],
    outcome: { goaway: frameSizeError },
  },
  {
    section: "6.4",
    rule: "RST_STREAM with an unknown code",
    send: [headers(), frame(FrameType.rstStream, { stream: 1, payload: uint32(0xbeef) })],
    outcome: "goes on",
  },
  {
    section: "6.5",
    rule: "an acknowledgement of SETTINGS of a stream",
    send: [frame(FrameType.settings, { stream: 1, flags: Flag.ack })],
    outcome: { goaway: protocolError },
  },
  {
    section: "6.5.2",
    rule: "the largest and smallest values of settings",
    send: [settings([[1, 0], [2, 0], [2, 1], [3, 0], [4, 0], [4, 2 ** 31 - 1], [5, 16_384], [5, 2 ** 24 - 1], [6, 0]])],
    outcome: "goes on",
  },
  {
    section: "6.8",
    rule: "GOAWAY of another length",
    send: [frame(FrameType.goaway, { payload: Buffer.alloc(7) })],
    outcome: { goaway: frameSizeError },
  },
  {
    section: "6.8",
    rule: "GOAWAY with an unknown code and a text, while a stream is open",
    send: [headers(), goaway(0, 0xbeef, Buffer.from("bye"))],
    outcome: "goes on",
  },
  {
    section: "6.9",
    rule: "the reserved bit of WINDOW_UPDATE is ignored",
    send: [frame(FrameType.windowUpdate, { payload: uint32(0x8000_0001) })],
    outcome: "goes on",
  },
  {
    section: "6.9",
    rule: "WINDOW_UPDATE of a stream of another length",
    send: [headers(), frame(FrameType.windowUpdate, { stream: 1, payload: Buffer.alloc(5) })],
    outcome: { goaway: frameSizeError },
  },
  {
    section: "6.9",
    rule: "WINDOW_UPDATE of an ended stream by nothing",
    send: [headers(), rstStream(1), windowUpdate(1, 0)],
    outcome: "goes on",
  },
  {
    section: "6.9.1",
    rule: "empty DATA in an exhausted window",
    send: [headers(), ...Array.from({ length: 3 }, () => data(1, 16_384)), data(1, 16_383), data(1, 0, Flag.endStream)],
    outcome: "goes on",
  },
  {
    section: "6.9.1",
    rule: "padding counts in the window",
    send: [
      headers(),
      ...Array.from({ length: 3 }, () => data(1, 16_384)),
      frame(FrameType.data, {
        stream: 1,
        flags: Flag.padded,
        payload: Buffer.concat([Buffer.from([255]), Buffer.alloc(16_383)]),
      }),
    ],
    outcome: { goaway: flowControlError },
  },
  {
    section: "6.10",
    rule: "CONTINUATION after the end of a block",
    send: [
      headers(post, { flags: 0 }),
      frame(FrameType.continuation, { stream: 1, flags: Flag.endHeaders }),
      frame(FrameType.continuation, { stream: 1, flags: Flag.endHeaders }),
    ],
    outcome: { goaway: protocolError },
  },
  {
    section: "6.10",
    rule: "CONTINUATION without a stream",
    send: [headers(post, { flags: 0 }), frame(FrameType.continuation, { flags: Flag.endHeaders })],
    outcome: { goaway: protocolError },
  },
];

testRules(rules, peerOfServer);

Deno.test("RFC 9113, 6.5.3: SETTINGS are acknowledged, and so is a PING with its octets (6.7)", () => {
  const peer = new RawPeer();
  const answers = peer.exchange(PREFACE, settings(), frame(FrameType.ping, { payload: Buffer.from("12345678") }));
  assert.deepEqual(answers.slice(-2).map(({ type, flags }) => [type, flags]), [[FrameType.settings, Flag.ack], [
    FrameType.ping,
    Flag.ack,
  ]]);
  assert.equal(Buffer.from(answers.at(-1)!.payload).toString(), "12345678");
});

Deno.test("RFC 9113, 6.7: an acknowledgement of a PING is not answered", () => {
  const peer = peerOfServer();
  assert.deepEqual(peer.exchange(frame(FrameType.ping, { flags: Flag.ack, payload: Buffer.alloc(8) })), []);
});

Deno.test("RFC 9113, 6.9.1: more DATA than the window of a stream resets the stream alone", () => {
  const peer = peerOfServer({ limits: { ...limits, connectionWindow: 1_000_000 } });
  const answers = peer.exchange(headers(), ...Array.from({ length: 4 }, () => data(1, 16_384)));
  assert.deepEqual([goawayCode(answers), resetsOf(answers)], [undefined, [[1, flowControlError]]]);
});
