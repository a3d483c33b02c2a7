import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { ErrorCode } from "../../../src/grpc/http2/errors.ts";
import { type Frame, readUint32 } from "../../../src/grpc/http2/frames.ts";
import { encodeHeaders } from "../../../src/grpc/http2/header_encoder.ts";
import type { Http2Stream } from "../../../src/grpc/http2/stream.ts";
import { Flag, FrameType, ping } from "../../crash/http2_frames.ts";
import { data, goawayCode, headers, hold, peerOfServer, post, resetsOf, setting, whole } from "./rules.ts";
import type { RawPeer } from "./wire.ts";

const lastStreams = (frames: readonly Frame[]) =>
  frames.filter(({ type }) => type === FrameType.goaway).map(({ payload }) => readUint32(payload, 0));

/** Drains a connection up to its second GOAWAY. */
function drain(peer: RawPeer): Frame[] {
  peer.connection.drain();
  const announced = peer.exchange();
  assert.deepEqual(lastStreams(announced), [2 ** 31 - 1]);
  const { payload } = announced.find(({ type }) => type === FrameType.ping)!;
  return peer.exchange(ping(payload, Flag.ack));
}

Deno.test("RFC 9113, 6.8: a drained connection takes streams until its PING is answered, and names the last one", () => {
  const peer = peerOfServer();
  peer.exchange(whole(1));
  peer.connection.drain();
  const { payload } = peer.exchange().find(({ type }) => type === FrameType.ping)!;
  peer.exchange(whole(3));
  assert.equal(peer.connection.streams, 2);
  assert.deepEqual(lastStreams(peer.exchange(ping(payload, Flag.ack))), [3]);
});

Deno.test("RFC 9113, 6.8: frames of later streams are ignored, and count in windows and header tables", () => {
  let fields: readonly { name: string }[] = [];
  const peer = peerOfServer({
    onRequest: (stream, request) => {
      fields = request.fields;
      hold(stream);
    },
  });
  peer.exchange(whole(1));
  drain(peer);
  const insertion = Buffer.from([0x40, 1, 0x61, 1, 0x62]);
  const late = peer.exchange(
    headers([], { stream: 3, payload: Buffer.concat([encodeHeaders(post), insertion]) }),
    ...Array.from({ length: 3 }, () => data(3, 16_384)),
    whole(3, [["a", "b"]]),
  );
  assert.deepEqual([goawayCode(late), resetsOf(late), peer.connection.streams], [undefined, [], 1]);
  assert.deepEqual(fields, []);
  assert.ok(late.some(({ type, streamId }) => type === FrameType.windowUpdate && streamId === 0));
  // The table has the field of the ignored stream: its index is valid.
  const indexed = peer.exchange(headers([], { stream: 5, payload: Uint8Array.of(0xbe) }));
  assert.equal(goawayCode(indexed), undefined);
});

Deno.test("RFC 9113, 6.8: the last stream in GOAWAY never grows", () => {
  const peer = peerOfServer();
  peer.exchange(whole(1));
  assert.deepEqual(lastStreams(drain(peer)), [1]);
  assert.deepEqual(lastStreams(peer.exchange(whole(3), data(0, 1))), [1]);
});

Deno.test("an answer to another PING does not end the taking of streams", () => {
  const peer = peerOfServer();
  peer.exchange(whole(1));
  peer.connection.drain();
  assert.deepEqual(lastStreams(peer.exchange()), [2 ** 31 - 1]);
  assert.deepEqual(lastStreams(peer.exchange(ping(Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]), Flag.ack))), []);
});

Deno.test("a peer that has closed its side gets whole answers within its windows, and the connection ends", () => {
  const streams: Http2Stream[] = [];
  const peer = peerOfServer({
    onRequest: (stream) => {
      hold(stream);
      streams.push(stream);
    },
  });
  peer.exchange(whole(1), headers(post, { stream: 3 }));
  peer.connection.peerEnded();
  assert.deepEqual([peer.connection.streams, peer.connection.isClosed], [1, false]);
  streams[0].write(new Uint8Array(50_000));
  streams[0].end();
  const octets = peer.exchange().filter(({ type }) => type === FrameType.data)
    .reduce((sum, { payload }) => sum + payload.length, 0);
  assert.deepEqual([octets, peer.connection.isClosed], [50_000, true]);
});

Deno.test("an answer that needs larger windows ends when the peer has closed its side", () => {
  for (const order of ["answer first", "end first"] as const) {
    const closed: unknown[] = [];
    let stream: Http2Stream | undefined;
    const peer = peerOfServer({
      onRequest: (request) => {
        stream = request;
        request.events = { onData: () => {}, onEnd: () => {}, onClose: (code) => void closed.push(code) };
      },
    });
    peer.exchange(setting(4, 10), whole(1));
    if (order === "end first") peer.connection.peerEnded();
    stream!.write(new Uint8Array(11));
    peer.exchange();
    if (order === "answer first") peer.connection.peerEnded();
    peer.exchange();
    assert.deepEqual(closed, [ErrorCode.cancel], order);
    assert.equal(peer.connection.isClosed, true);
  }
});
