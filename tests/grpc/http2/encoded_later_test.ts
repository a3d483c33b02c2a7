import assert from "node:assert/strict";
import fc from "fast-check";
import type { Http2Stream } from "../../../src/grpc/http2/stream.ts";
import { frame, FrameType, PREFACE, uint32 } from "../../crash/http2_frames.ts";
import { CountedOctets, LatePeer } from "./late_transport.ts";
import { hold, setting, whole } from "./rules.ts";
import { limits } from "./wire.ts";

const wide = frame(FrameType.windowUpdate, { payload: uint32(10_000_000) });

/** Opens a connection with streams 1, 3, … whose windows have `window` octets. */
function open({ streams = 1, window = 1_000_000, alwaysKeeps = false, connectionWindow = wide } = {}) {
  const opened: Http2Stream[] = [];
  const peer = new LatePeer({
    alwaysKeeps,
    limits: { ...limits, maxStreams: streams },
    onRequest: (stream) => {
      hold(stream);
      opened.push(stream);
    },
  });
  for (const octets of [PREFACE, setting(4, window), connectionWindow]) peer.connection.receive(octets);
  for (let index = 0; index < streams; index++) peer.connection.receive(whole(2 * index + 1));
  peer.turns.run();
  peer.drain();
  /** Ends the turn, after which octets that were not encoded are others. */
  const endTurn = (...octets: CountedOctets[]) => {
    peer.turns.run();
    for (const each of octets) each.spoil();
  };
  return { peer, streams: opened, endTurn };
}

function octets(length: number, seed = 1): CountedOctets {
  return new CountedOctets(bytesOf(length, seed));
}

function bytesOf(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + seed * 31) % 251);
}

function assertBody(peer: LatePeer, stream: number, expected: Uint8Array): void {
  assert.deepEqual(new Uint8Array(peer.bodyOf(stream)), expected);
}

for (const length of [1, 100, 16_383, 16_384, 16_385, 65_535, 65_536]) {
  Deno.test(`${length} octets that are encoded later leave in one turn, encoded once`, () => {
    const { peer, streams: [stream], endTurn } = open();
    const message = octets(length);
    stream.write(message);
    stream.end();
    endTurn(message);
    assertBody(peer, 1, bytesOf(length, 1));
    assert.deepEqual([message.encoded, [...peer.ended]], [1, [1]]);
  });
}

Deno.test("octets that fit neither the window of the stream nor that of the connection are encoded in their turn", () => {
  const few = frame(FrameType.windowUpdate, { payload: uint32(1) });
  const { peer, streams: [first, second, third], endTurn } = open({ streams: 3, connectionWindow: few });
  const messages = [octets(60_000, 1), octets(10_000, 2), octets(10, 3)];
  for (const [index, stream] of [first, second, third].entries()) stream.write(messages[index]);
  endTurn(...messages);
  assert.deepEqual(messages.map(({ encoded }) => encoded), [1, 1, 1]);
  peer.connection.receive(wide);
  peer.turns.run();
  for (const [index, length] of [60_000, 10_000, 10].entries()) {
    assertBody(peer, 2 * index + 1, bytesOf(length, index + 1));
  }
});

Deno.test("octets are encoded in their turn when the transport is full", () => {
  const { peer, streams: [stream, other], endTurn } = open({ streams: 2 });
  peer.takes = false;
  const messages = [1, 2, 3].map((seed) => octets(1_000, seed));
  stream.write(messages[0]);
  endTurn(messages[0]);
  stream.write(messages[1]);
  other.write(messages[2]);
  endTurn(messages[1], messages[2]);
  assert.deepEqual(messages.map(({ encoded }) => encoded), [1, 1, 1]);
  peer.drain();
  assertBody(peer, 1, Uint8Array.from([...bytesOf(1_000, 1), ...bytesOf(1_000, 2)]));
  assertBody(peer, 3, bytesOf(1_000, 3));
});

Deno.test("octets are encoded in their turn when the peer makes its windows smaller in it", () => {
  const { peer, streams: [stream], endTurn } = open({ window: 1_000 });
  const message = octets(900);
  stream.write(message);
  peer.connection.receive(setting(4, 0));
  endTurn(message);
  assert.deepEqual([message.encoded, peer.bodyOf(1).length], [1, 0]);
  peer.connection.receive(setting(4, 2_000));
  peer.turns.run();
  assertBody(peer, 1, bytesOf(900, 1));
});

Deno.test("octets of a stream that is reset in their turn are never encoded", () => {
  const { peer, streams: [stream, other], endTurn } = open({ streams: 2 });
  const [gone, kept] = [octets(100, 1), octets(100, 2)];
  stream.write(gone);
  other.write(kept);
  peer.connection.receive(frame(FrameType.rstStream, { stream: 1, payload: uint32(8) }));
  endTurn(gone, kept);
  assert.deepEqual([gone.encoded, kept.encoded], [0, 1]);
  assertBody(peer, 1, new Uint8Array());
  assertBody(peer, 3, bytesOf(100, 2));
});

Deno.test("a connection that closes with octets under way ends its streams, and encodes nothing more", () => {
  const { peer, streams: [stream], endTurn } = open();
  const message = octets(100);
  stream.write(message);
  peer.connection.lost();
  endTurn(message);
  assert.deepEqual([message.encoded, peer.connection.isClosed], [0, true]);
});

Deno.test("the memory of a connection's streams is counted once in a turn, not once for each stream that waits", () => {
  const streams = 50;
  const { peer, streams: opened } = open({
    streams,
    connectionWindow: frame(FrameType.windowUpdate, { payload: uint32(1) }),
  });
  const counted = new Map<Http2Stream, number>();
  for (const stream of opened) {
    stream.write(octets(10_000));
    const read = () => void counted.set(stream, (counted.get(stream) ?? 0) + 1);
    Object.defineProperty(stream, "heldBytes", { get: () => (read(), 10_000) });
  }
  for (const takes of [true, false]) {
    peer.takes = takes;
    peer.connection.receive(frame(FrameType.ping, { payload: new Uint8Array(8) }));
    counted.clear();
    peer.turns.run();
    assert.ok([...counted.values()].every((times) => times <= 2), `counted ${Math.max(...counted.values())} times`);
  }
});

Deno.test("every octet arrives once and in order, under random windows, full transports and turns", () => {
  const size = fc.oneof(
    fc.nat({ max: 300 }),
    fc.nat({ max: 70_000 }),
    fc.constantFrom(16_383, 16_384, 16_385, 65_535, 65_536),
  );
  const stream = fc.nat({ max: 2 });
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("write" as const), stream, size: size.map((one) => one + 1) }),
    },
    fc.record({
      kind: fc.constant("grow" as const),
      stream: fc.nat({ max: 3 }),
      by: fc.integer({ min: 1, max: 40_000 }),
    }),
    fc.record({ kind: fc.constant("initial" as const), window: fc.nat({ max: 70_000 }) }),
    fc.record({ kind: fc.constantFrom("turn" as const, "fill" as const, "drain" as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, alwaysKeeps) => {
      const { peer, streams, endTurn } = open({ streams: 3, window: 65_535, alwaysKeeps });
      const expected: Uint8Array[][] = [[], [], []];
      let fresh: CountedOctets[] = [];
      for (const [seed, one] of steps.entries()) {
        if (one.kind === "write") {
          const message = octets(one.size, seed);
          expected[one.stream].push(bytesOf(one.size, seed));
          fresh.push(message);
          streams[one.stream].write(message);
        } else if (one.kind === "grow") {
          const id = one.stream === 3 ? 0 : 2 * one.stream + 1;
          peer.connection.receive(frame(FrameType.windowUpdate, { stream: id, payload: uint32(one.by) }));
        } else if (one.kind === "initial") peer.connection.receive(setting(4, one.window));
        else if (one.kind === "fill") peer.takes = false;
        else {
          endTurn(...fresh);
          fresh = [];
          if (one.kind === "drain") peer.drain();
        }
      }
      endTurn(...fresh);
      peer.connection.receive(setting(4, 2 ** 30));
      peer.turns.run();
      peer.drain();
      peer.drain();
      assert.equal(peer.error, undefined);
      for (const [index, parts] of expected.entries()) {
        assert.deepEqual(
          new Uint8Array(peer.bodyOf(2 * index + 1)),
          Uint8Array.from(parts.flatMap((part) => [...part])),
        );
      }
    }),
    { numRuns: 150 },
  );
});
