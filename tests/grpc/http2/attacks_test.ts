import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { maxHeldLists } from "../../../src/grpc/http2/connection_limits.ts";
import { ErrorCode } from "../../../src/grpc/http2/errors.ts";
import { idleFrames, resets } from "../../../src/grpc/http2/frame_budget.ts";
import { maxBlockBytes, maxContinuations } from "../../../src/grpc/http2/header_assembly.ts";
import { encodeHeaders } from "../../../src/grpc/http2/header_encoder.ts";
import type { HeaderField } from "../../../src/grpc/http2/header_table.ts";
import { Flag, frame, FrameType, ping, rstStream, settings, windowUpdate } from "../../crash/http2_frames.ts";
import { withFrozenClock } from "./frozen_clock.ts";
import { data, goawayCode, headers, hold, peerOfServer, post, resetsOf, whole } from "./rules.ts";
import { limits, type RawPeer } from "./wire.ts";

const { enhanceYourCalm, refusedStream } = ErrorCode;

interface Flood {
  peer: RawPeer;
  /** Requests that reached their handler. */
  requests: number;
  /** Turns of the attack before the connection ended. */
  turns: number;
  /** Octets of answers. */
  answered: number;
  code: number | undefined;
}

/**
 * Attacks a server up to 5,000 times, or until it ends the connection. The clock stands still: bounds are those of
 * the burst.
 */
function flood(turn: (stream: number) => Uint8Array[], first: Uint8Array[] = [], connectionWindow = 1_000_000): Flood {
  const result: Flood = { peer: undefined!, requests: 0, turns: 0, answered: 0, code: undefined };
  withFrozenClock(() => {
    const peer = result.peer = peerOfServer({
      limits: { ...limits, connectionWindow },
      onRequest: (stream) => {
        result.requests++;
        hold(stream);
      },
    });
    peer.exchange(...first);
    while (result.turns < 5_000 && !peer.connection.isClosed) {
      const answers = peer.exchange(...turn(2 * result.turns++ + 3));
      result.answered += answers.reduce((sum, { payload }) => sum + 9 + payload.length, 0);
      result.code ??= goawayCode(answers);
    }
  });
  return result;
}

const open = (stream: number) => headers(post, { stream });

/** Each turn of these opens a stream and has it reset, by the peer or by the server. */
const resetAttacks: Record<string, (stream: number) => Uint8Array[]> = {
  "rapid reset (CVE-2023-44487)": (stream) => [open(stream), rstStream(stream)],
  "WINDOW_UPDATE by nothing (CVE-2025-8671)": (stream) => [open(stream), windowUpdate(stream, 0)],
  "a window beyond 2^31-1 (CVE-2025-8671)": (stream) => [open(stream), windowUpdate(stream, 2 ** 31 - 1)],
  "half a PRIORITY (CVE-2025-8671)": (
    stream,
  ) => [open(stream), frame(FrameType.priority, { stream, payload: Buffer.alloc(4) })],
  "DATA after the end (CVE-2025-8671)": (stream) => [whole(stream), data(stream, 1)],
  "HEADERS after the end (CVE-2025-8671)": (stream) => [whole(stream), whole(stream)],
  "trailers without an end (CVE-2025-8671)": (stream) => [open(stream), open(stream)],
  "a body longer than content-length (CVE-2025-8671)": (
    stream,
  ) => [headers([...post, ["content-length", "1"]], { stream }), data(stream, 2)],
  "malformed requests (CVE-2019-9514)": (stream) => [whole(stream, [["Name", "x"]])],
  "too many fields": (stream) => [whole(stream, [...post, ...Array(400).fill(["name", "12345678"])])],
};

for (const [name, turn] of Object.entries(resetAttacks)) {
  Deno.test(`${name}: a connection ends after ${resets.burst} streams`, () => {
    const { requests, turns, code, answered } = flood(turn);
    assert.equal(code, enhanceYourCalm);
    assert.equal(turns, resets.burst + 1);
    assert.ok(requests <= turns, `${requests} requests`);
    assert.ok(answered <= turns * 64, `${answered} octets`);
  });
}

Deno.test(`streams beyond the bound: a connection ends after ${resets.burst} refusals`, () => {
  const { requests, turns, code } = flood((stream) => [open(stream)]);
  assert.deepEqual([requests, turns, code], [limits.maxStreams, limits.maxStreams + resets.burst + 1, enhanceYourCalm]);
});

/** Each turn of these is one frame without progress. */
const frameAttacks: Record<string, Uint8Array> = {
  "PING (CVE-2019-9512)": ping(),
  "acknowledgements of PING": ping(Buffer.alloc(8), Flag.ack),
  "SETTINGS (CVE-2019-9515)": settings(),
  "SETTINGS that change all windows": settings([[4, 1], [4, 2 ** 31 - 1], [4, 65_535]]),
  "acknowledgements of SETTINGS": frame(FrameType.settings, { flags: Flag.ack }),
  "PRIORITY (CVE-2019-9513)": frame(FrameType.priority, { stream: 1, payload: Buffer.alloc(5) }),
  "WINDOW_UPDATE of the connection": windowUpdate(0, 1),
  "WINDOW_UPDATE of a stream": windowUpdate(1, 1),
  "RST_STREAM for a stream that has ended": rstStream(3),
  "GOAWAY": frame(FrameType.goaway, { payload: Buffer.alloc(8) }),
  "empty DATA (CVE-2019-9518)": data(1, 0),
  "DATA of padding alone (CVE-2019-9518)": frame(FrameType.data, {
    stream: 1,
    flags: Flag.padded,
    payload: Buffer.concat([Uint8Array.of(255), Buffer.alloc(255)]),
  }),
  "an unknown type": frame(0xbe, { payload: Buffer.alloc(8) }),
};

for (const [name, octets] of Object.entries(frameAttacks)) {
  Deno.test(`a flood of frames, ${name}: a connection ends after ${idleFrames.burst}`, () => {
    const { turns, code, answered } = flood(() => [octets], [headers(), headers(post, { stream: 3 }), rstStream(3)]);
    assert.equal(code, enhanceYourCalm);
    assert.ok(turns <= idleFrames.burst, `${turns} frames`);
    assert.ok(answered <= turns * 26 + 128, `${answered} octets`);
  });
}

Deno.test(`a flood of late DATA, an octet each: a connection ends after ${idleFrames.burst}`, () => {
  // The server resets the stream for the second frame.
  const { turns, code } = flood(() => [data(1, 1)], [headers(), windowUpdate(1, 0)]);
  assert.equal(code, enhanceYourCalm);
  assert.ok(turns <= idleFrames.burst, `${turns} frames`);
});

Deno.test("a CONTINUATION flood (CVE-2024-27316) ends the connection by a number of frames and of octets", () => {
  const small = flood(() => [frame(FrameType.continuation, { stream: 1 })], [headers([], { flags: 0 })]);
  assert.deepEqual([small.turns, small.code], [maxContinuations + 1, enhanceYourCalm]);
  const bytes = 4_000;
  const large = flood(
    () => [frame(FrameType.continuation, { stream: 1, payload: Buffer.alloc(bytes) })],
    [headers([], { flags: 0, payload: Buffer.alloc(bytes) })],
  );
  assert.deepEqual([large.turns, large.code], [Math.floor(maxBlockBytes / bytes), enhanceYourCalm]);
});

Deno.test("an HPACK bomb reaches no handler, whatever it decodes to", () => {
  const field = Buffer.concat([
    Uint8Array.of(0x40, 1, 0x61, 0x7f, 0x80 | (3_900 - 127) % 128, (3_900 - 127) >> 7),
    Buffer.alloc(3_900, "x"),
  ]);
  const { peer, requests, answered } = flood(
    (stream) => [headers([], { stream, payload: Buffer.alloc(16_000, 0xbe) })],
    [headers([], { payload: Buffer.concat([encodeHeaders(post), field]) })],
  );
  // Each block of 16,000 octets stands for 62 MB of fields.
  assert.equal(requests, 1);
  assert.ok(answered < 200 * 40, `${answered} octets`);
  assert.equal(peer.connection.isClosed, true);
});

Deno.test("the header lists of all open requests have one bound together", () => {
  let held = 0;
  const peer = peerOfServer({
    limits: { ...limits, maxStreams: 100 },
    onRequest: (stream, { fields }) => {
      held += fields.reduce((sum, { name, value }: HeaderField) => sum + name.length + value.length + 32, 0);
      hold(stream);
    },
  });
  const large: [string, string][] = [...post, ["name", "x".repeat(15_000)]];
  let refused = 0;
  for (let id = 1; id < 200; id += 2) {
    for (const [, code] of resetsOf(peer.exchange(whole(id, large)))) {
      assert.equal(code, refusedStream);
      refused++;
    }
  }
  const bound = maxHeldLists * limits.maxHeaderListBytes;
  assert.ok(held <= bound && held > bound - 16_384, `${held} octets`);
  assert.equal(refused, 100 - peer.connection.streams);
  // A small request is refused too, until an open one ends.
  peer.exchange(rstStream(1));
  assert.deepEqual(resetsOf(peer.exchange(whole(201))), []);
});

Deno.test("a peer that does not read its answers is not read either, until it does", () => {
  const peer = peerOfServer({
    limits: { ...limits, maxStreams: 100 },
    onRequest: (stream) => {
      hold(stream);
      stream.sendHeaders(encodeHeaders([[":status", "200"], ["long", "\x00".repeat(10_000)]]));
    },
  });
  peer.takesMore = false;
  // The write that fills the transport.
  peer.exchange(ping());
  for (let id = 1; id < 8; id += 2) peer.exchange(whole(id));
  assert.equal(peer.isPaused, false);
  for (let id = 9; id < 16; id += 2) peer.exchange(whole(id));
  assert.equal(peer.isPaused, true);
  peer.connection.drained();
  assert.equal(peer.isPaused, false);
});

Deno.test("a request with too many fields is refused with 431, and the connection goes on", () => {
  const peer = peerOfServer();
  const many = Array.from({ length: 400 }, (_, count): [string, string] => [`n${count}`, "12345678"]);
  const open = peer.exchange(headers([...post, ...many]));
  assert.equal(peer.fieldsOf(open[0])[":status"], "431");
  assert.deepEqual(resetsOf(open), [[1, ErrorCode.noError]]);
  const ended = peer.exchange(whole(3, [...post, ...many]));
  assert.deepEqual(ended.map(({ type }) => type), [FrameType.headers]);
  assert.equal(peer.connection.isClosed, false);
});
