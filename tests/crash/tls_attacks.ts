/** Attacks below HTTP/2: handshakes that break off, wrong certificates, and the wrong protocol on the port. */
import net from "node:net";
import { Buffer } from "node:buffer";
import { type Attack, pause } from "./attack.ts";
import { goaway, headers, PREFACE, requestHeaders, rstStream, settings } from "./http2_frames.ts";
import type { SeededRandom } from "./seeded_random.ts";
import { connectTcp, startTls, type Target, type TlsOptions, wireOver } from "./target.ts";

const secured = (target: Target) => target.transport !== "plain";
const mutual = (target: Target) => target.transport === "mtls";

/** Passes a handshake on to the victim until the client has sent `bytes`, then cuts, or flips a bit and goes on. */
function sabotage(port: number, bytes: number, how: "finish" | "reset" | "flip"): Promise<net.Server> {
  const server = net.createServer((near) => {
    const far = net.connect(port, "127.0.0.1");
    let passed = 0;
    const cut = () => {
      if (how === "reset") far.resetAndDestroy();
      else far.end();
      near.destroy();
    };
    near.on("data", (chunk: Buffer) => {
      const inside = bytes - passed;
      passed += chunk.length;
      if (inside < 0 || inside >= chunk.length) return void far.write(chunk);
      if (how === "flip") {
        const copy = Buffer.from(chunk);
        copy[inside] ^= 0x55;
        return void far.write(copy);
      }
      far.write(chunk.subarray(0, inside), cut);
    });
    far.on("data", (chunk: Buffer) => near.write(chunk));
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

async function sabotagedHandshake(target: Target, random: SeededRandom, how: "finish" | "reset" | "flip") {
  const length = mutual(target) ? 1400 : 500;
  const server = await sabotage(target.port, random.integer(0, length), how);
  try {
    const socket = await connectTcp((server.address() as net.AddressInfo).port);
    const maxVersion = random.pick(["TLSv1.2", "TLSv1.3"] as const);
    const identity = mutual(target) ? target.certificates.client : undefined;
    await Promise.race([
      startTls(socket, { identity, maxVersion }).then(async (stream) => {
        const wire = wireOver(stream, socket);
        await wire.write(Buffer.concat([PREFACE, settings(), headers(1, requestHeaders(target.streamPath))]));
        await pause(20);
        wire.reset();
      }).catch(() => {}),
      pause(150),
    ]);
    socket.destroy();
  } finally {
    server.close();
  }
}

/** A handshake with these options, then hostile HTTP/2 in it if it comes about. */
async function badClient(target: Target, random: SeededRandom, options: TlsOptions) {
  const socket = await connectTcp(target.port);
  const wire = wireOver(await startTls(socket, options), socket);
  await wire.write(Buffer.concat([
    PREFACE,
    settings(),
    headers(1, requestHeaders(target.streamPath)),
    ...random.shuffled([rstStream(1), goaway(0)]),
  ]));
  if (random.next() < 0.5) await wire.firstBytes(50);
  if (random.next() < 0.5) wire.finish();
  else wire.reset();
}

function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const server = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", (chunk: Buffer) => {
        socket.destroy();
        server.close();
        resolve(chunk);
      });
    });
    server.listen(0, "127.0.0.1", () => {
      connectTcp((server.address() as net.AddressInfo).port)
        .then((socket) => startTls(socket, {}))
        .catch(() => {});
    });
  });
}

export const tlsAttacks: readonly Attack[] = [
  {
    name: "tls handshake ends early",
    applies: secured,
    run: (target, random) => sabotagedHandshake(target, random, "finish"),
  },
  {
    name: "tls handshake is reset",
    applies: secured,
    run: (target, random) => sabotagedHandshake(target, random, "reset"),
  },
  {
    name: "tls handshake with a flipped bit",
    applies: secured,
    run: (target, random) => sabotagedHandshake(target, random, "flip"),
  },
  {
    name: "foreign client certificate",
    applies: secured,
    run: (target, random) =>
      badClient(target, random, {
        identity: target.certificates.foreignClient,
        maxVersion: random.pick(["TLSv1.2", "TLSv1.3"] as const),
      }),
  },
  {
    name: "expired client certificate",
    applies: mutual,
    run: (target, random) =>
      badClient(target, random, {
        identity: target.certificates.expiredClient,
        maxVersion: random.pick(["TLSv1.2", "TLSv1.3"] as const),
      }),
  },
  {
    name: "missing client certificate",
    applies: mutual,
    run: (target, random) => badClient(target, random, { maxVersion: random.pick(["TLSv1.2", "TLSv1.3"] as const) }),
  },
  {
    name: "tls without http/2 in alpn",
    applies: secured,
    run: (target, random) =>
      badClient(target, random, {
        identity: target.certificates.client,
        alpn: random.pick([[], ["http/1.1"], ["spdy/3"], ["http/1.1", "h2"]]),
      }),
  },
  {
    name: "plaintext to a tls port",
    applies: secured,
    async run(target, random) {
      const socket = await connectTcp(target.port);
      const wire = wireOver(socket, socket);
      await wire.write(random.pick([
        Buffer.concat([PREFACE, settings(), headers(1, requestHeaders(target.unaryPath))]),
        Buffer.from("GET / HTTP/1.1\r\n\r\n"),
        random.bytes(random.integer(1, 2000)),
        Buffer.from([0x15, 3, 1, 0, 2, 2, 40]),
      ]));
      if (random.next() < 0.5) await wire.firstBytes(50);
      if (random.next() < 0.5) wire.finish();
      else wire.reset();
    },
  },
  {
    name: "tls to a plaintext port",
    applies: (target) => !secured(target),
    async run(target, random) {
      const hello = await clientHello();
      const socket = await connectTcp(target.port);
      const wire = wireOver(socket, socket);
      await wire.write(hello.subarray(0, random.integer(1, hello.length)));
      if (random.next() < 0.5) await wire.firstBytes(50);
      if (random.next() < 0.5) wire.finish();
      else wire.reset();
    },
  },
];
