/**
 * Attacks on a process that dials: a server that accepts the connection and answers with hostile frames.
 * A chat server with callback delivery is such a process, and every client is one.
 */
import net from "node:net";
import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { pause } from "./attack.ts";
import {
  data,
  Flag,
  frame,
  FrameType,
  goaway,
  grpcMessage,
  headers,
  hpack,
  ping,
  PREFACE,
  rstStream,
  settings,
  SETTINGS_ACK,
  uint32,
  windowUpdate,
} from "./http2_frames.ts";
import type { SeededRandom } from "./seeded_random.ts";
import type { KeyPair } from "./certificates.ts";
import { type Wire, wireOver } from "./target.ts";

export interface HostileBehaviour {
  name: string;
  /** Called for each connection that reaches the HTTP/2 layer. */
  serve(wire: Wire, random: SeededRandom): Promise<void>;
}

const RESPONSE = hpack([[":status", "200"], ["content-type", "application/grpc"]]);
const TRAILERS = hpack([["grpc-status", "0"]]);

function answer(stream: number): Buffer {
  return Buffer.concat([
    headers(stream, RESPONSE),
    data(stream, grpcMessage(Buffer.from("answer"))),
    headers(stream, TRAILERS, Flag.endHeaders | Flag.endStream),
  ]);
}

function leave(wire: Wire, random: SeededRandom) {
  if (random.next() < 0.5) wire.finish();
  else wire.reset();
}

/** Answers the first `good` calls, then hands over. Calls of a fresh session are numbered 1, 3, 5, … */
async function answerCalls(wire: Wire, good: number) {
  await wire.write(Buffer.concat([settings(), SETTINGS_ACK]));
  await wire.firstBytes(300);
  for (let call = 0; call < good; call++) {
    await pause(15);
    await wire.write(answer(call * 2 + 1));
  }
  await pause(15);
}

const IDS = [0, 1, 3, 5, 7, 225, 0x7fffffff];

export const hostileBehaviours: readonly HostileBehaviour[] = [
  {
    name: "closes before settings",
    async serve(wire, random) {
      const greeting = settings();
      await wire.write(greeting.subarray(0, random.integer(0, greeting.length)));
      leave(wire, random);
    },
  },
  {
    name: "goaway, rst and close in every order",
    async serve(wire, random) {
      await answerCalls(wire, random.integer(0, 3));
      const id = random.pick([1, 3, 5, 7]);
      const weapons = random.shuffled([
        rstStream(id, random.pick([0, 7, 8, 11])),
        goaway(random.pick(IDS), random.pick([0, 1, 11])),
        goaway(random.pick(IDS)),
        headers(id, RESPONSE),
        headers(id, TRAILERS, Flag.endHeaders | Flag.endStream),
        data(id, grpcMessage(Buffer.from("late"))),
      ]);
      for (const weapon of weapons.slice(0, random.integer(1, weapons.length))) {
        await wire.write(weapon);
        if (random.next() < 0.4) await pause(random.integer(0, 10));
      }
      leave(wire, random);
    },
  },
  {
    name: "goaway after answered calls",
    async serve(wire, random) {
      await answerCalls(wire, 3);
      await pause(random.integer(0, 50));
      await wire.write(goaway(random.pick(IDS)));
      if (random.next() < 0.5) await wire.write(goaway(random.pick(IDS)));
      await pause(random.integer(0, 50));
      leave(wire, random);
    },
  },
  {
    name: "goaway when every call has ended",
    async serve(wire, random) {
      await answerCalls(wire, 3);
      await wire.write(
        random.pick([
          rstStream(7, random.pick([0, 2, 8])),
          answer(7),
          headers(7, TRAILERS, Flag.endHeaders | Flag.endStream),
        ]),
      );
      await pause(random.integer(50, 350));
      await wire.write(goaway(random.pick(IDS)));
      await pause(random.integer(0, 50));
      leave(wire, random);
    },
  },
  {
    name: "resets while the client writes",
    async serve(wire, random) {
      await answerCalls(wire, 3);
      await wire.write(headers(7, RESPONSE));
      await pause(random.integer(0, 60));
      await wire.write(Buffer.concat(random.shuffled([rstStream(7), goaway(random.pick(IDS)), rstStream(7)])));
      leave(wire, random);
    },
  },
  {
    name: "never lets the client write",
    async serve(wire, random) {
      await wire.write(Buffer.concat([settings([[4, 0], [3, random.pick([0, 1, 100])]]), SETTINGS_ACK]));
      await pause(random.integer(20, 300));
      leave(wire, random);
    },
  },
  {
    name: "frames out of place",
    async serve(wire, random) {
      await answerCalls(wire, random.integer(0, 2));
      const weapons = random.shuffled([
        frame(FrameType.pushPromise, {
          stream: 1,
          flags: Flag.endHeaders,
          payload: Buffer.concat([uint32(2), RESPONSE]),
        }),
        headers(2, RESPONSE),
        headers(99, RESPONSE),
        data(1, Buffer.from("not a message")),
        data(99, Buffer.from("idle")),
        windowUpdate(0, 0),
        windowUpdate(1, 0x7fffffff),
        windowUpdate(0, 0x7fffffff),
        frame(FrameType.continuation, { stream: 1, payload: RESPONSE }),
        frame(FrameType.data, { stream: 1, flags: Flag.padded, payload: Uint8Array.of(255, 1) }),
        headers(1, random.bytes(60)),
        headers(1, hpack([[":status", "abc"]])),
        headers(1, hpack([["grpc-status", "999"], ["grpc-message", "%zz"]]), Flag.endHeaders | Flag.endStream),
        settings([[5, 1]]),
        frame(FrameType.ping, { payload: random.bytes(3) }),
        rstStream(0),
        data(1, grpcMessage(Buffer.alloc(4), { declaredLength: 0xffffffff })),
      ]);
      for (const weapon of weapons.slice(0, random.integer(1, 4))) await wire.write(weapon);
      await pause(random.integer(0, 30));
      leave(wire, random);
    },
  },
  {
    name: "floods",
    async serve(wire, random) {
      await answerCalls(wire, random.integer(0, 1));
      const one = random.pick([ping(), settings([[4, 1]]), SETTINGS_ACK, rstStream(1), goaway(0), windowUpdate(0, 1)]);
      const batch = Buffer.concat(Array.from({ length: 1000 }, () => one));
      for (let index = 0; index < 5 && !wire.closed; index++) await wire.write(batch);
      leave(wire, random);
    },
  },
  {
    name: "speaks something else",
    async serve(wire, random) {
      await wire.write(random.pick([
        Buffer.from("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        PREFACE,
        Buffer.from("SSH-2.0-OpenSSH_9.6\r\n"),
        Buffer.from(random.bytes(random.integer(1, 2000))),
      ]));
      await pause(random.integer(0, 50));
      leave(wire, random);
    },
  },
];

export interface HostileServer {
  port: number;
  close(): Promise<void>;
}

/** Serves every connection with one behaviour; over TLS when an identity is given. */
export async function startHostileServer(
  behaviour: HostileBehaviour,
  options: { random: SeededRandom; identity?: KeyPair },
): Promise<HostileServer> {
  const { random, identity } = options;
  const sockets = new Set<net.Socket>();
  const serve = (stream: Duplex, socket: net.Socket) => {
    behaviour.serve(wireOver(stream, socket), random).catch(() => {}).finally(() => {
      const timer = setTimeout(() => socket.destroy(), 600);
      if (socket.destroyed) clearTimeout(timer);
      else socket.once("close", () => clearTimeout(timer));
    });
  };
  const track = (socket: net.Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  };
  const server = identity
    ? tls.createServer({ cert: identity.certificate, key: identity.key, ALPNProtocols: ["h2"] })
    : net.createServer();
  server.on("connection", track);
  server.on("tlsClientError", () => {});
  if (identity) server.on("secureConnection", (socket: tls.TLSSocket) => serve(socket, socket));
  else server.on("connection", (socket: net.Socket) => serve(socket, socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    port: (server.address() as net.AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
