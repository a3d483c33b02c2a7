import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { readUint32 } from "../../../src/grpc/http2/frames.ts";
import type { Http2Stream } from "../../../src/grpc/http2/stream.ts";
import { Flag, frame, FrameType, PREFACE, settings, uint32 } from "../../crash/http2_frames.ts";
import { data, headers, hold, post, setting, whole } from "./rules.ts";
import { limits, RawPeer } from "./wire.ts";

Deno.test("DATA waits for the peer's windows, and goes on when they grow", () => {
  let stream: Http2Stream | undefined;
  const peer = new RawPeer({
    onRequest: (request) => {
      hold(request);
      stream = request;
    },
  });
  peer.exchange(PREFACE, setting(4, 10), whole(1));
  stream!.write(Buffer.alloc(25));
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
  for (const stream of streams) stream.write(Buffer.alloc(50_000));
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

Deno.test("RFC 9113, 6.5.3: of a setting that comes twice, the last one counts", () => {
  let stream: Http2Stream | undefined;
  const peer = new RawPeer({
    onRequest: (request) => {
      hold(request);
      stream = request;
    },
  });
  peer.exchange(PREFACE, settings([[4, 10], [4, 20]]), whole(1));
  stream!.write(Buffer.alloc(25));
  assert.deepEqual(peer.exchange().map(({ payload }) => payload.length), [20]);
});

Deno.test("RFC 9113, 6.9.1: the end of a stream needs no window", () => {
  let stream: Http2Stream | undefined;
  const peer = new RawPeer({
    onRequest: (request) => {
      hold(request);
      stream = request;
    },
  });
  peer.exchange(PREFACE, setting(4, 0), whole(1));
  stream!.end();
  assert.deepEqual(peer.exchange().map(({ type, flags, payload }) => [type, flags, payload.length]), [
    [FrameType.data, Flag.endStream, 0],
  ]);
});
