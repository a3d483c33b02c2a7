import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Http2Connection } from "../../../src/grpc/http2/connection.ts";
import { ConnectionError, ErrorCode } from "../../../src/grpc/http2/errors.ts";
import type { ConnectionLimits } from "../../../src/grpc/http2/connection_limits.ts";
import { idleFrames } from "../../../src/grpc/http2/frame_budget.ts";
import { minMaxFrameBytes } from "../../../src/grpc/http2/frames.ts";
import { encodeHeaders } from "../../../src/grpc/http2/header_encoder.ts";
import { joinedBytes } from "../../../src/grpc/http2/write_buffer.ts";
import { connectOver } from "../../../src/grpc/http2/socket_transport.ts";
import type { Http2Stream } from "../../../src/grpc/http2/stream.ts";
import { FrameType, PREFACE, settings, windowUpdate } from "../../crash/http2_frames.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { withFrozenClock } from "./frozen_clock.ts";
import { data, goawayCode, headers, hold, peerOfServer, setting, whole } from "./rules.ts";
import { limits, type RawPeer } from "./wire.ts";

const { enhanceYourCalm } = ErrorCode;
const maxQueuedBytes = 100_000;
const answerBytes = 10_000;

/** A server that answers each DATA frame with {@link answerBytes} octets. */
function amplifier(closed: (number | ConnectionError | undefined)[] = [], queue?: number[]): RawPeer {
  const peer: RawPeer = peerOfServer({
    limits: { ...limits, maxQueuedBytes },
    onClosed: (error) => void closed.push(error),
    onRequest: (stream) => {
      stream.events = {
        onData: (bytes) => {
          stream.release(bytes.length);
          for (let count = 0; count < 100; count++) {
            stream.write(new Uint8Array(answerBytes));
            queue?.push(peer.connection.heldBytes);
          }
        },
        onEnd: () => {},
        onClose: (code) => void closed.push(code),
      };
    },
  });
  return peer;
}

Deno.test("answers for a peer without a window are queued up to a bound, and then the connection ends", () => {
  const closed: (number | ConnectionError | undefined)[] = [];
  const queue: number[] = [];
  const peer = amplifier(closed, queue);
  peer.exchange(setting(4, 0), headers());
  peer.connection.receive(data(1, 1));
  assert.equal(String(closed), "", "the owner is not told within its own write");
  const answers = peer.exchange();
  assert.equal(goawayCode(answers), enhanceYourCalm);
  assert.deepEqual(answers.filter(({ type }) => type === FrameType.data), []);
  assert.equal(closed[0], enhanceYourCalm);
  assert.ok(closed[1] instanceof ConnectionError);
  assert.ok(Math.max(...queue) <= maxQueuedBytes, `${Math.max(...queue)} octets`);
  assert.equal(peer.connection.heldBytes, 0);
});

Deno.test("many small answers count with the memory that each of them takes", () => {
  const streams: Http2Stream[] = [];
  const peer = peerOfServer({
    limits: { ...limits, maxQueuedBytes },
    onRequest: (stream) => {
      hold(stream);
      streams.push(stream);
    },
  });
  peer.exchange(setting(4, 0), whole(1));
  let written = 0;
  while (!peer.connection.isClosed && written < maxQueuedBytes) {
    streams[0].write(new Uint8Array(5));
    written++;
  }
  assert.ok(written < maxQueuedBytes / 256, `${written} pieces`);
});

Deno.test("the bound of queued answers can be raised", () => {
  const peer = amplifier();
  peer.connection.enlargeQueue(10 * maxQueuedBytes * 2);
  peer.exchange(setting(4, 0), headers(), data(1, 1));
  assert.equal(peer.connection.isClosed, false);
});

Deno.test("windows of one octet (CVE-2019-9511) end the connection after a number of frames", () => {
  withFrozenClock(() => {
    const peer = amplifier();
    peer.connection.enlargeQueue(10_000_000);
    peer.exchange(setting(4, 0), headers(), data(1, 1));
    let frames = 0;
    while (!peer.connection.isClosed && frames < 5_000) {
      frames += peer.exchange(windowUpdate(1, 1)).filter(({ type }) => type === FrameType.data).length;
    }
    assert.ok(frames > 900 && frames <= idleFrames.burst, `${frames} frames`);
  });
});

Deno.test("a window that is small again and again (SETTINGS) ends the connection after a number of frames", () => {
  withFrozenClock(() => {
    const peer = amplifier();
    peer.connection.enlargeQueue(10_000_000);
    peer.exchange(setting(4, 0), headers(), data(1, 1));
    let frames = 0;
    for (let turn = 1; !peer.connection.isClosed && turn < 5_000; turn++) {
      frames += peer.exchange(setting(4, turn)).filter(({ type }) => type === FrameType.data).length;
    }
    assert.ok(frames > 900 && frames <= idleFrames.burst, `${frames} frames`);
  });
});

Deno.test("a peer with ordinary windows may update them for every answer, for ever", () => {
  withFrozenClock(() => {
    let stream: Http2Stream | undefined;
    const peer = peerOfServer({
      onRequest: (request) => {
        hold(request);
        stream = request;
      },
    });
    peer.exchange(headers());
    for (let turn = 0; turn < 5_000; turn++) {
      stream!.write(new Uint8Array(100));
      peer.exchange(windowUpdate(1, 100), windowUpdate(0, 100));
    }
    assert.equal(peer.connection.isClosed, false);
  });
});

Deno.test("a transport that takes no more gets one write, whatever the peer's windows are (CVE-2019-9517)", () => {
  const peer = amplifier();
  peer.connection.enlargeQueue(10_000_000);
  peer.takesMore = false;
  peer.exchange(setting(4, 2 ** 31 - 1), windowUpdate(0, 2 ** 31 - 1 - 65_535), headers());
  const octets = peer.exchange(data(1, 1), data(1, 1)).reduce((sum, { payload }) => sum + 9 + payload.length, 0);
  assert.equal(octets, 0, "the acknowledgement of SETTINGS was the write that filled the transport");
  peer.connection.drained();
  const written = peer.exchange().reduce((sum, { payload }) => sum + 9 + payload.length, 0);
  assert.ok(written > joinedBytes / 2 && written <= joinedBytes + minMaxFrameBytes, `${written} octets`);
  assert.ok(peer.connection.heldBytes >= 2_000_000 - written);
});

interface Attacked {
  /** The peer's socket, which does not read. */
  peer: Socket;
  /** The server's end. */
  socket(): Socket | undefined;
  connection(): Http2Connection | undefined;
  closed: unknown[];
}

/** Serves one peer that does not read from its socket; its preface opens all windows. */
async function withDeafPeer(
  options: { limits: ConnectionLimits; onRequest(stream: Http2Stream, socket: Socket): void },
  use: (attacked: Attacked) => Promise<void>,
): Promise<void> {
  const closed: unknown[] = [];
  let taken: { socket: Socket; connection: Http2Connection } | undefined;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection = connectOver(socket, {
      role: "server",
      limits: options.limits,
      onFault: (error) => void closed.push(error),
      onClosed: (error) => void closed.push(error?.code),
      onRequest: (stream) => options.onRequest(stream, socket),
    });
    taken = { socket, connection };
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const peer = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  peer.on("error", () => {});
  peer.pause();
  peer.write(Buffer.concat([PREFACE, settings([[4, 2 ** 31 - 1]]), windowUpdate(0, 2 ** 31 - 1 - 65_535)]));
  try {
    await use({ peer, socket: () => taken?.socket, connection: () => taken?.connection, closed });
  } finally {
    peer.destroy();
    taken?.socket.destroy();
    await eventually(() => peer.closed && taken?.socket.closed !== false);
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

Deno.test("a peer that reads nothing from its socket ends with a bounded queue, and a bounded buffer of the socket", () => {
  const bound = 1_000_000;
  const most = { queued: 0, buffered: 0 };
  let connection: () => Http2Connection | undefined;
  const onRequest = (stream: Http2Stream, socket: Socket) => {
    stream.events = {
      onData: (bytes) => {
        stream.release(bytes.length);
        stream.write(new Uint8Array(answerBytes));
        most.queued = Math.max(most.queued, connection()!.heldBytes);
        most.buffered = Math.max(most.buffered, socket.writableLength);
      },
      onEnd: () => {},
      onClose: () => {},
    };
  };
  return withDeafPeer({ limits: { ...limits, maxQueuedBytes: bound }, onRequest }, async (attacked) => {
    connection = attacked.connection;
    attacked.peer.write(headers());
    // Each octet asks for 10,000; the kernel takes some megabytes for itself.
    for (let turn = 0; attacked.closed.length === 0; turn++) {
      assert.ok(turn < 5_000, "the connection goes on");
      attacked.peer.write(Buffer.concat(Array.from({ length: 20 }, () => data(1, 1))));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(attacked.closed, [enhanceYourCalm]);
    assert.ok(most.queued <= bound, `${most.queued} octets queued`);
    assert.ok(most.buffered <= joinedBytes + 2 * minMaxFrameBytes + 65_536, `${most.buffered} octets in the socket`);
  });
});

Deno.test("nothing is read from the socket of a peer that does not read its headers, until it does", () => {
  const block = encodeHeaders([[":status", "200"], ["long", "\x00".repeat(10_000)]]);
  const onRequest = (stream: Http2Stream) => {
    hold(stream);
    stream.sendHeaders(block);
  };
  return withDeafPeer({ limits: { ...limits, maxStreams: 4_000 }, onRequest }, async (attacked) => {
    const { peer, socket, connection, closed } = attacked;
    let stream = 1;
    // The kernel takes some megabytes before the pause lasts.
    for (let pausedTurns = 0; pausedTurns < 50; pausedTurns = socket()?.isPaused() ? pausedTurns + 1 : 0) {
      assert.ok(stream < 4_000 && closed.length === 0, "the server reads on");
      if (connection()?.streams === (stream - 1) / 2) {
        peer.write(whole(stream));
        stream += 2;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { bytesRead } = socket()!;
    for (let count = 0; count < 100; count++, stream += 2) peer.write(whole(stream));
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(socket()!.isPaused() && socket()!.bytesRead <= bytesRead + 65_536);
    let heard = 0;
    peer.on("data", (bytes) => void (heard += bytes.length));
    peer.resume();
    await eventually(() => heard > (stream - 1) / 2 * 10_000);
    assert.equal(socket()!.isPaused(), false);
    assert.deepEqual(closed, []);
  });
});
