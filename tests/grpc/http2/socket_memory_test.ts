import { Buffer } from "node:buffer";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { connect as connectTls, createSecureContext, TLSSocket } from "node:tls";
import assert from "node:assert/strict";
import { FrameReader } from "../../../src/grpc/http2/frame_reader.ts";
import { FrameType } from "../../../src/grpc/http2/frames.ts";
import { connectOver } from "../../../src/grpc/http2/socket_transport.ts";
import { createCertificates } from "../../crash/certificates.ts";
import { PREFACE, settings, windowUpdate } from "../../crash/http2_frames.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { CountedOctets } from "./late_transport.ts";
import { whole } from "./rules.ts";
import { limits } from "./wire.ts";

const { server: identity } = await createCertificates();
const peers = 4;
const messages = 1_500;

function messageOf(peer: number, index: number): Uint8Array {
  const length = index % 10 === 0 ? 60_000 + index : 50 + index;
  return new Uint8Array(length).fill(1 + (peer * 61 + index) % 250);
}

/** Answers each request with all messages of its peer, one in each turn. */
function serve(socket: Socket, peer: number): void {
  connectOver(socket, {
    role: "server",
    limits: { ...limits, maxQueuedBytes: 100_000_000 },
    onFault: (error) => assert.fail(String(error)),
    onRequest: (stream) => {
      stream.events = { onData: () => {}, onEnd: () => {}, onClose: () => {} };
      let index = 0;
      const next = () => {
        if (stream.isClosed) return;
        stream.write(new CountedOctets(messageOf(peer, index++)));
        if (index === messages) stream.end();
        else setImmediate(next);
      };
      next();
    },
  });
}

/** Reads a body: nothing at first, and then with pauses, so that the buffers of the sockets fill up. */
async function readSlowly(socket: Socket): Promise<Buffer> {
  const reader = new FrameReader();
  const parts: Uint8Array[] = [];
  let isOver = false;
  socket.pause();
  socket.on("data", (chunk: Uint8Array) => {
    reader.read(chunk, ({ type, flags, payload }) => {
      if (type !== FrameType.data) return;
      parts.push(new Uint8Array(payload));
      if (flags & 1) isOver = true;
    });
    socket.pause();
    setImmediate(() => socket.resume());
  });
  socket.write(Buffer.concat([PREFACE, settings([[4, 2 ** 31 - 1]]), windowUpdate(0, 2 ** 31 - 1 - 65_535), whole(1)]));
  for (let turn = 0; turn < messages; turn++) await new Promise((resolve) => setImmediate(resolve));
  socket.resume();
  await eventually(() => isOver);
  return Buffer.concat(parts);
}

for (const isTls of [false, true]) {
  Deno.test(`peers that read slowly ${isTls ? "over TLS " : ""}receive their own octets, unchanged by later writes`, async () => {
    const accepted: Socket[] = [];
    const secureContext = createSecureContext({ cert: identity.certificate, key: identity.key });
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const served = isTls ? new TLSSocket(socket, { isServer: true, secureContext }) : socket;
      serve(served, accepted.push(served) - 1);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const sockets: Socket[] = [];
    // One after the other, so that the server numbers them in this order.
    for (let peer = 0; peer < peers; peer++) {
      sockets.push(
        isTls
          ? connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false })
          : connect({ port, host: "127.0.0.1" }),
      );
      await eventually(() => accepted.length === peer + 1);
    }
    try {
      const bodies = await Promise.all(sockets.map(readSlowly));
      for (const [peer, body] of bodies.entries()) {
        const expected = Buffer.concat(Array.from({ length: messages }, (_, index) => messageOf(peer, index)));
        assert.equal(body.length, expected.length);
        assert.ok(body.equals(expected), `peer ${peer} received other octets`);
      }
    } finally {
      for (const socket of [...sockets, ...accepted]) socket.destroy();
      await eventually(() => [...sockets, ...accepted].every(({ closed }) => closed));
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  });
}
