import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { ErrorCode } from "../../../src/grpc/http2/errors.ts";
import { readUint32 } from "../../../src/grpc/http2/frames.ts";
import { encodeHeaders } from "../../../src/grpc/http2/header_encoder.ts";
import type { Http2Stream } from "../../../src/grpc/http2/stream.ts";
import { Flag, frame, FrameType, PREFACE, settings, uint32 } from "../../crash/http2_frames.ts";
import { limits, RawPeer } from "./wire.ts";

type Outcome =
  /** The connection ends with this code. */
  | { goaway: number }
  /** The stream is reset with this code, and the connection goes on. */
  | { reset: number; stream?: number }
  /** The connection goes on, and no stream is reset. */
  | "goes on";

interface Rule {
  /** Section of RFC 9113. */
  section: string;
  rule: string;
  /** Frames after the preface and SETTINGS. */
  send: Uint8Array[];
  outcome: Outcome;
}

const post: [string, string][] = [[":method", "POST"], [":scheme", "http"], [":path", "/a/b"]];

function headers(
  fields: [string, string][] = post,
  { stream = 1, flags = Flag.endHeaders, payload = encodeHeaders(fields) }: {
    stream?: number;
    flags?: number;
    payload?: Uint8Array;
  } = {},
): Uint8Array {
  return frame(FrameType.headers, { stream, flags, payload });
}

const whole = (stream: number, fields = post) => headers(fields, { stream, flags: Flag.endHeaders | Flag.endStream });
const data = (stream: number, length: number, flags = 0) =>
  frame(FrameType.data, { stream, flags, payload: Buffer.alloc(length) });
const setting = (id: number, value: number) => settings([[id, value]]);
const withField = (name: string, value: string) => whole(1, [...post, [name, value]]);

const { protocolError, frameSizeError, flowControlError, streamClosed, refusedStream, enhanceYourCalm } = ErrorCode;

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
    section: "8.1",
    rule: "trailers without END_STREAM",
    send: [headers(), headers([["a", "b"]])],
    outcome: { reset: protocolError },
  },
  { section: "8.1", rule: "trailers with END_STREAM", send: [headers(), whole(1, [["a", "b"]])], outcome: "goes on" },
  {
    section: "8.1",
    rule: "trailers with a pseudo-header field",
    send: [headers(), whole(1, [[":method", "POST"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.1.1",
    rule: "a body shorter than content-length",
    send: [headers([...post, ["content-length", "2"]]), data(1, 1, Flag.endStream)],
    outcome: { reset: protocolError },
  },
  {
    section: "8.1.1",
    rule: "a body as long as content-length",
    send: [headers([...post, ["content-length", "1"]]), data(1, 1, Flag.endStream)],
    outcome: "goes on",
  },
  {
    section: "8.2.1",
    rule: "a field's name in uppercase",
    send: [withField("Name", "x")],
    outcome: { reset: protocolError },
  },
  {
    section: "8.2.1",
    rule: "a field's value with a line feed",
    send: [withField("name", "a\nb")],
    outcome: { reset: protocolError },
  },
  {
    section: "8.2.1",
    rule: "a field's value that begins with a space",
    send: [withField("name", " a")],
    outcome: { reset: protocolError },
  },
  {
    section: "8.2.2",
    rule: "a field of a connection",
    send: [withField("connection", "close")],
    outcome: { reset: protocolError },
  },
  {
    section: "8.2.2",
    rule: "te with another value than trailers",
    send: [withField("te", "gzip")],
    outcome: { reset: protocolError },
  },
  { section: "8.2.2", rule: "te: trailers", send: [withField("te", "trailers")], outcome: "goes on" },
  {
    section: "8.3",
    rule: "an unknown pseudo-header field",
    send: [whole(1, [...post, [":strange", "x"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.3",
    rule: "a pseudo-header field of a response",
    send: [whole(1, [...post, [":status", "200"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.3",
    rule: "a pseudo-header field after a regular one",
    send: [whole(1, [["a", "b"], ...post])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.3",
    rule: "a pseudo-header field twice",
    send: [whole(1, [...post, [":path", "/c"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.3.1",
    rule: "a request without :path",
    send: [whole(1, [[":method", "POST"], [":scheme", "http"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.3.1",
    rule: "a request with an empty :path",
    send: [whole(1, [[":method", "POST"], [":scheme", "http"], [":path", ""]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.3.1",
    rule: "a request without :method",
    send: [whole(1, [[":scheme", "http"], [":path", "/"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "10.5",
    rule: "a header block of too many CONTINUATION frames",
    send: [
      headers([], { flags: 0, payload: Buffer.alloc(0) }),
      ...Array.from({ length: 20 }, () => frame(FrameType.continuation, { stream: 1 })),
    ],
    outcome: { goaway: enhanceYourCalm },
  },
  {
    section: "10.5",
    rule: "a header block of too many octets",
    send: [
      headers([], { flags: 0, payload: Buffer.alloc(16_000) }),
      frame(FrameType.continuation, { stream: 1, payload: Buffer.alloc(1_000) }),
    ],
    outcome: { goaway: enhanceYourCalm },
  },
  ...Object.entries({
    "PING": frame(FrameType.ping, { payload: Buffer.alloc(8) }),
    "SETTINGS": settings(),
    "PRIORITY": frame(FrameType.priority, { stream: 1, payload: Buffer.alloc(5) }),
    "unknown": frame(0xbe),
    "WINDOW_UPDATE": frame(FrameType.windowUpdate, { payload: uint32(1) }),
  }).map(([name, flood]): Rule => ({
    section: "10.5",
    rule: `a flood of ${name} frames`,
    send: Array.from({ length: 2_000 }, () => flood),
    outcome: { goaway: enhanceYourCalm },
  })),
  {
    section: "10.5",
    rule: "a flood of empty DATA frames",
    send: [headers(), ...Array.from({ length: 2_000 }, () => data(1, 0))],
    outcome: { goaway: enhanceYourCalm },
  },
  {
    section: "10.5",
    rule: "a flood of streams that are reset",
    send: Array.from(
      { length: 500 },
      (
        _,
        count,
      ) => [
        headers(post, { stream: 2 * count + 1 }),
        frame(FrameType.rstStream, { stream: 2 * count + 1, payload: uint32(8) }),
      ],
    ).flat(),
    outcome: { goaway: enhanceYourCalm },
  },
  {
    section: "10.5",
    rule: "a flood of streams beyond the bound",
    send: Array.from({ length: 500 }, (_, count) => headers(post, { stream: 2 * count + 1 })),
    outcome: { goaway: enhanceYourCalm },
  },
];

/** Takes requests, and answers none. */
function hold(stream: Http2Stream): void {
  stream.events = { onData: () => {}, onEnd: () => {}, onClose: () => {} };
}

const rule9113 = ({ section, rule, send, outcome }: Rule) =>
  Deno.test(`RFC 9113, ${section}: ${rule}`, () => {
    const peer = new RawPeer({ onRequest: hold });
    peer.exchange(PREFACE, settings());
    const answers = peer.exchange(...send);
    const goaway = answers.find(({ type }) => type === FrameType.goaway);
    const resets = answers.filter(({ type }) => type === FrameType.rstStream);
    if (typeof outcome === "object" && "goaway" in outcome) {
      assert.equal(goaway && readUint32(goaway.payload, 4), outcome.goaway);
      assert.deepEqual([peer.isEnded, peer.connection.isClosed], [true, true]);
      return;
    }
    assert.equal(goaway, undefined);
    const expected = outcome === "goes on" ? [] : [[outcome.stream ?? 1, outcome.reset]];
    assert.deepEqual(resets.map(({ streamId, payload }) => [streamId, readUint32(payload, 0)]), expected);
    const ping = peer.exchange(frame(FrameType.ping, { payload: Buffer.from("yes,still").subarray(0, 8) }));
    assert.equal(ping.at(-1)?.type, FrameType.ping);
  });
rules.forEach(rule9113);

for (
  const [what, octets] of Object.entries({
    "HTTP/1": Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    "a TLS handshake": Buffer.from([0x16, 3, 1]),
  })
) {
  Deno.test(`RFC 9113, 3.4: ${what} instead of a preface ends the connection`, () => {
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

Deno.test("RFC 9113, 6.5.3: SETTINGS are acknowledged, and so is a PING with its octets (6.7)", () => {
  const peer = new RawPeer();
  const answers = peer.exchange(PREFACE, settings(), frame(FrameType.ping, { payload: Buffer.from("12345678") }));
  assert.deepEqual(answers.slice(-2).map(({ type, flags }) => [type, flags]), [[FrameType.settings, Flag.ack], [
    FrameType.ping,
    Flag.ack,
  ]]);
  assert.equal(Buffer.from(answers.at(-1)!.payload).toString(), "12345678");
});

Deno.test("octets may come one by one", () => {
  const peer = new RawPeer({ onRequest: hold });
  const all = Buffer.concat([PREFACE, settings(), whole(1), frame(FrameType.ping, { payload: Buffer.alloc(8) })]);
  const answers = [...all].flatMap((octet) => peer.exchange(Uint8Array.of(octet)));
  assert.equal(answers.at(-1)!.type, FrameType.ping);
  assert.equal(peer.connection.streams, 1);
});

Deno.test("a request with too many fields is refused with 431, and the connection goes on", () => {
  const peer = new RawPeer({ onRequest: hold });
  peer.exchange(PREFACE, settings());
  const many = Array.from({ length: 400 }, (_, count): [string, string] => [`n${count}`, "12345678"]);
  const fields = encodeHeaders([...post, ...many]);
  const answers = peer.exchange(headers([], { payload: fields }));
  assert.equal(peer.fieldsOf(answers[0])[":status"], "431");
  assert.equal(peer.connection.isClosed, false);
});

Deno.test("a peer that does not read its answers is not read either, until it does", () => {
  const peer = new RawPeer({
    limits: { ...limits, maxStreams: 100 },
    onRequest: (stream) => {
      hold(stream);
      stream.sendHeaders(encodeHeaders([[":status", "200"], ["long", "\x00".repeat(10_000)]]));
    },
  });
  peer.takesMore = false;
  peer.exchange(PREFACE, settings());
  for (let id = 1; id < 8; id += 2) peer.exchange(whole(id));
  assert.equal(peer.isPaused, false);
  for (let id = 9; id < 16; id += 2) peer.exchange(whole(id));
  assert.equal(peer.isPaused, true);
  peer.connection.drained();
  assert.equal(peer.isPaused, false);
});

Deno.test("DATA waits for the peer's windows, and goes on when they grow", () => {
  let stream: Http2Stream | undefined;
  const peer = new RawPeer({
    onRequest: (request) => {
      hold(request);
      stream = request;
    },
  });
  peer.exchange(PREFACE, setting(4, 10), whole(1));
  stream!.write(Buffer.alloc(9 + 25));
  stream!.end();
  const lengths = (frames: ReturnType<RawPeer["exchange"]>) => frames.map(({ payload }) => payload.length);
  assert.deepEqual(lengths(peer.exchange()), [10]);
  assert.deepEqual(lengths(peer.exchange(frame(FrameType.windowUpdate, { stream: 1, payload: uint32(5) }))), [5]);
  // A smaller initial window makes that of the stream negative (RFC 9113, section 6.9.2).
  assert.deepEqual(lengths(peer.exchange(setting(4, 3))).filter((length) => length > 0), []);
  assert.deepEqual(lengths(peer.exchange(frame(FrameType.windowUpdate, { stream: 1, payload: uint32(7) }))), []);
  const [last] = peer.exchange(frame(FrameType.windowUpdate, { stream: 1, payload: uint32(100) }));
  assert.deepEqual([last.payload.length, last.flags], [10, Flag.endStream]);
});

Deno.test("the window of the connection bounds all streams together", () => {
  const streams: Http2Stream[] = [];
  const peer = new RawPeer({
    onRequest: (request) => {
      hold(request);
      streams.push(request);
    },
  });
  peer.exchange(PREFACE, setting(4, 1_000_000), whole(1), whole(3));
  for (const stream of streams) stream.write(Buffer.alloc(9 + 50_000));
  const sum = (frames: ReturnType<RawPeer["exchange"]>) =>
    frames.reduce((total, { payload }) => total + payload.length, 0);
  assert.equal(sum(peer.exchange()), 65_535);
  assert.equal(sum(peer.exchange(frame(FrameType.windowUpdate, { payload: uint32(100_000) }))), 100_000 - 65_535);
});

Deno.test("octets that were used up are given back to the peer in portions of half a window", () => {
  const peer = new RawPeer({
    onRequest: (stream) => {
      stream.events = { onData: (bytes) => stream.release(bytes.length), onEnd: () => {}, onClose: () => {} };
    },
  });
  peer.exchange(PREFACE, settings(), headers());
  assert.deepEqual(peer.exchange(data(1, 16_384)), []);
  const told = peer.exchange(data(1, 16_384)).map((
    { type, streamId, payload },
  ) => [type, streamId, readUint32(payload, 0)]);
  assert.deepEqual(told, [[FrameType.windowUpdate, 1, 2 * 16_384], [FrameType.windowUpdate, 0, 2 * 16_384]]);
});

Deno.test("octets of a stream that ends unread go back to the connection", () => {
  const peer = new RawPeer({ onRequest: hold, limits: { ...limits, maxStreams: 100 } });
  peer.exchange(PREFACE, settings());
  let given = 0;
  for (let id = 1; id < 40; id += 2) {
    const answers = peer.exchange(
      headers(post, { stream: id }),
      data(id, 16_384),
      frame(FrameType.rstStream, { stream: id, payload: uint32(8) }),
    );
    for (const { type, streamId, payload } of answers) {
      if (type === FrameType.windowUpdate && streamId === 0) given += readUint32(payload, 0);
    }
  }
  assert.equal(peer.connection.isClosed, false);
  assert.ok(given > 10 * 16_384);
});
