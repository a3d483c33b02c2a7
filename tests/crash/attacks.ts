/** Attacks on a gRPC server's port. Each is one shot; the suite repeats it with other random choices. */
import { Buffer } from "node:buffer";
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
  requestHeaders,
  rstStream,
  settings,
  SETTINGS_ACK,
  uint32,
  windowUpdate,
} from "./http2_frames.ts";
import type { SeededRandom } from "./seeded_random.ts";
import { openWire, type Target, type Wire } from "./target.ts";

export interface Attack {
  name: string;
  /** One shot. May throw when the victim refuses: what counts is only whether it lives afterwards. */
  run(target: Target, random: SeededRandom): Promise<void>;
  /** Left out on transports where it makes no sense. */
  applies?(target: Target): boolean;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

const LARGEST_ID = 0x7fffffff;

function close(wire: Wire, random: SeededRandom) {
  if (random.next() < 0.5) wire.finish();
  else wire.reset();
}

function greeting(...entries: [number, number][]): Buffer {
  return Buffer.concat([PREFACE, settings(entries)]);
}

/** An open bidirectional stream: headers and the opening messages. */
function streamStart(target: Target, id: number): Buffer {
  const messages = target.streamOpening.map((message) => data(id, grpcMessage(message)));
  return Buffer.concat([headers(id, requestHeaders(target.streamPath)), ...messages]);
}

/** Writes pieces either in one segment or one by one with short pauses: both orders of arrival matter. */
async function deliver(wire: Wire, pieces: readonly Uint8Array[], random: SeededRandom) {
  if (random.next() < 0.5) return await wire.write(Buffer.concat(pieces));
  for (const piece of pieces) {
    await wire.write(piece);
    if (random.next() < 0.4) await pause(random.integer(0, 12));
  }
}

/** Opens a wire, says hello, starts streams that the server writes into, and waits for its first bytes. */
async function openStreams(target: Target, random: SeededRandom, count: number): Promise<Wire> {
  const wire = await openWire(target);
  const ids = Array.from({ length: count }, (_, index) => index * 2 + 1);
  await wire.write(Buffer.concat([
    greeting([4, random.pick([0, 1, 1000, 65535, 1 << 20])]),
    SETTINGS_ACK,
    ...ids.map((id) => streamStart(target, id)),
  ]));
  await wire.firstBytes(300);
  return wire;
}

const beforeSettings: Attack = {
  name: "close before settings",
  async run(target, random) {
    const wire = await openWire(target);
    const whole = Buffer.concat([greeting(), SETTINGS_ACK, streamStart(target, 1)]);
    await wire.write(whole.subarray(0, random.integer(0, PREFACE.length + 9)));
    if (random.next() < 0.5) await pause(random.integer(0, 10));
    close(wire, random);
  },
};

const midHeaders: Attack = {
  name: "cut in the middle of headers",
  async run(target, random) {
    const wire = await openWire(target);
    const block = requestHeaders(target.streamPath);
    const whole = headers(1, block);
    await wire.write(greeting());
    if (random.next() < 0.3) {
      // Headers that end in a CONTINUATION that never comes, then frames that must not stand there.
      const cut = random.integer(0, block.length);
      await deliver(wire, [
        headers(1, block.subarray(0, cut), Flag.none),
        ...random.shuffled([
          rstStream(1),
          goaway(0),
          frame(FrameType.continuation, { stream: 1, payload: block.subarray(cut) }),
        ]),
      ], random);
    } else await wire.write(whole.subarray(0, random.integer(1, whole.length)));
    if (random.next() < 0.5) await pause(random.integer(0, 10));
    close(wire, random);
  },
};

/** RST_STREAM, GOAWAY, END_STREAM and the close of the socket, in every order. */
function orderAttack(name: string, moment: "at once" | "while the server writes" | "after the end"): Attack {
  return {
    name,
    async run(target, random) {
      const lastId = random.pick([0, 1, 3, 5, LARGEST_ID]);
      const wire = moment === "while the server writes" ? await openStreams(target, random, 3) : await openWire(target);
      const pieces: Uint8Array[] = [];
      if (moment !== "while the server writes") {
        pieces.push(Buffer.concat([greeting(), streamStart(target, 1), streamStart(target, 3)]));
      }
      if (moment === "after the end") {
        pieces.push(Buffer.concat([data(1, Buffer.alloc(0), true), data(3, Buffer.alloc(0), true)]));
      }
      const weapons = random.shuffled([
        rstStream(1, random.pick([0, 2, 5, 8, 11, 0xffffffff])),
        rstStream(3),
        goaway(lastId, random.pick([0, 1, 2, 11]), random.bytes(random.integer(0, 32))),
        goaway(0),
        data(1, new Uint8Array(), true),
        rstStream(1),
        windowUpdate(1, 65535),
        streamStart(target, 5),
      ]);
      pieces.push(...weapons.slice(0, random.integer(1, weapons.length)));
      const closeAt = random.integer(1, pieces.length);
      await deliver(wire, pieces.slice(0, closeAt), random);
      close(wire, random);
    },
  };
}

const rapidReset: Attack = {
  name: "rapid reset",
  async run(target, random) {
    const wire = await openWire(target);
    await wire.write(Buffer.concat([greeting(), SETTINGS_ACK]));
    let id = 1;
    for (let batch = 0; batch < 8 && !wire.closed; batch++) {
      const pieces: Uint8Array[] = [];
      for (let index = 0; index < 60; index++, id += 2) pieces.push(streamStart(target, id), rstStream(id));
      await wire.write(Buffer.concat(pieces));
    }
    if (random.next() < 0.5) await wire.write(goaway(random.pick([0, id, LARGEST_ID])));
    close(wire, random);
  },
};

const manyStreams: Attack = {
  name: "many streams, resets and goaways",
  async run(target, random) {
    const count = random.integer(5, 60);
    const wire = await openStreams(target, random, count);
    const ids = random.shuffled(Array.from({ length: count }, (_, index) => index * 2 + 1));
    const weapons = ids.slice(0, random.integer(1, count)).map((id) => rstStream(id));
    weapons.push(goaway(random.pick([0, count, LARGEST_ID])), goaway(random.pick([0, count, LARGEST_ID])));
    await deliver(wire, random.shuffled(weapons), random);
    if (random.next() < 0.7) await pause(random.integer(0, 30));
    close(wire, random);
  },
};

const goawayAfterCalls: Attack = {
  name: "goaway after finished calls",
  async run(target, random) {
    const wire = await openWire(target);
    await wire.write(Buffer.concat([greeting(), SETTINGS_ACK]));
    const calls = random.integer(2, 120);
    const message = grpcMessage(Buffer.from("x"));
    for (let index = 0; index < calls; index++) {
      const id = index * 2 + 1;
      await wire.write(Buffer.concat([headers(id, requestHeaders(target.unaryPath)), data(id, message, true)]));
    }
    await pause(random.integer(0, 80));
    const ids = [0, 1, calls, calls * 2 + 1, LARGEST_ID];
    for (let index = 0; index < 3; index++) {
      await wire.write(goaway(random.pick(ids)));
      if (random.next() < 0.5) await wire.write(rstStream(random.pick([1, 3, calls | 1])));
    }
    await pause(random.integer(0, 20));
    close(wire, random);
  },
};

const windowUpdates: Attack = {
  name: "window updates of zero and past the limit",
  async run(target, random) {
    const wire = await openStreams(target, random, 2);
    const weapons = random.shuffled([
      windowUpdate(0, 0),
      windowUpdate(1, 0),
      windowUpdate(0, LARGEST_ID),
      windowUpdate(1, LARGEST_ID),
      windowUpdate(3, LARGEST_ID),
      windowUpdate(99, 5),
      windowUpdate(1, 0x80000001),
      frame(FrameType.windowUpdate, { stream: 1, payload: random.bytes(3) }),
      settings([[4, LARGEST_ID]]),
    ]);
    await deliver(wire, weapons.slice(0, random.integer(1, weapons.length)), random);
    await pause(random.integer(0, 20));
    close(wire, random);
  },
};

const starvedWindow: Attack = {
  name: "a window that opens, closes and goes negative while the server writes",
  async run(target, random) {
    const wire = await openStreams(target, random, 3);
    for (let round = 0; round < 6 && !wire.closed; round++) {
      await wire.write(settings([[4, random.pick([0, 1, 100, 65535, 1 << 20])]]));
      if (random.next() < 0.5) await wire.write(windowUpdate(random.pick([0, 1, 3]), random.integer(1, 70000)));
      await pause(random.integer(0, 10));
    }
    await deliver(wire, random.shuffled([rstStream(1), rstStream(3), goaway(0)]), random);
    close(wire, random);
  },
};

const settingsFlood: Attack = {
  name: "settings flood",
  async run(target, random) {
    const wire = await openStreams(target, random, 1);
    const one = random.pick([
      settings(),
      settings([[4, random.integer(0, LARGEST_ID)]]),
      settings([[1, random.pick([0, 4096, 0xffffffff])]]),
      SETTINGS_ACK,
      settings(Array.from({ length: 200 }, (_, index) => [index, 1] as const)),
    ]);
    const batch = Buffer.concat(Array.from({ length: 500 }, () => one));
    for (let index = 0; index < 8 && !wire.closed; index++) await wire.write(batch);
    close(wire, random);
  },
};

const badSettings: Attack = {
  name: "settings out of range",
  async run(target, random) {
    const wire = await openStreams(target, random, 1);
    await wire.write(random.pick([
      settings([[4, 0x80000000]]),
      settings([[4, 0xffffffff]]),
      settings([[5, 1]]),
      settings([[5, 0xffffffff]]),
      settings([[2, 7]]),
      settings([[3, 0], [6, 0]]),
      settings([[8, 9]]),
      frame(FrameType.settings, { payload: random.bytes(5) }),
      frame(FrameType.settings, { stream: 1, payload: random.bytes(6) }),
      frame(FrameType.settings, { flags: Flag.ack, payload: random.bytes(6) }),
    ]));
    await pause(random.integer(0, 10));
    close(wire, random);
  },
};

const pingFlood: Attack = {
  name: "ping flood",
  async run(target, random) {
    const wire = await openStreams(target, random, 1);
    const one = random.pick([ping(), ping(random.bytes(8), Flag.ack), ping(random.bytes(7))]);
    const batch = Buffer.concat(Array.from({ length: 1000 }, () => one));
    for (let index = 0; index < 8 && !wire.closed; index++) await wire.write(batch);
    close(wire, random);
  },
};

const continuationFlood: Attack = {
  name: "continuation flood",
  async run(target, random) {
    const wire = await openWire(target);
    await wire.write(Buffer.concat([greeting(), headers(1, requestHeaders(target.unaryPath), Flag.none)]));
    const payload = random.pick([Buffer.alloc(0), hpack([["x-filler", "y".repeat(8000)]]), random.bytes(1000)]);
    const batch = Buffer.concat(
      Array.from({ length: 100 }, () => frame(FrameType.continuation, { stream: 1, payload })),
    );
    for (let index = 0; index < 10 && !wire.closed; index++) await wire.write(batch);
    if (random.next() < 0.5) await wire.write(frame(FrameType.continuation, { stream: 1, flags: Flag.endHeaders }));
    close(wire, random);
  },
};

const oversized: Attack = {
  name: "oversized frames and messages",
  async run(target, random) {
    const wire = await openStreams(target, random, 1);
    const body = Buffer.alloc(random.pick([16385, 100_000, 1_000_000]));
    await wire.write(random.pick([
      frame(FrameType.data, { stream: 1, payload: body }),
      frame(FrameType.headers, { stream: 3, payload: body, flags: Flag.endHeaders }),
      frame(FrameType.ping, { declaredLength: 0xffffff, payload: body }),
      frame(FrameType.goaway, { payload: body }),
      frame(99, { payload: body }),
      data(1, grpcMessage(Buffer.alloc(10), { declaredLength: 0xffffffff })),
      data(1, grpcMessage(Buffer.alloc(1000), { declaredLength: 3 })),
      data(1, grpcMessage(Buffer.alloc(10), { compressed: 1 })),
      data(1, grpcMessage(Buffer.alloc(10), { compressed: 200 })),
    ]));
    await pause(random.integer(0, 20));
    close(wire, random);
  },
};

const badHeaders: Attack = {
  name: "bad header blocks",
  async run(target, random) {
    const wire = await openWire(target);
    await wire.write(greeting());
    const good = requestHeaders(target.unaryPath);
    const broken = Buffer.from(good);
    broken[random.integer(0, broken.length - 1)] = random.integer(0, 255);
    await wire.write(headers(
      1,
      random.pick([
        random.bytes(random.integer(1, 400)),
        broken,
        Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]),
        Buffer.concat([Buffer.from([0x3f, 0xff, 0xff, 0xff, 0x7f]), good]),
        hpack([[":path", target.unaryPath]]),
        hpack([[":method", "GET"], [":scheme", "http"], [":path", "*"], ["", ""]]),
        requestHeaders("relative"),
        requestHeaders("/no.such/Method"),
        requestHeaders(`/${"a".repeat(20_000)}`.slice(0, 15_000)),
        requestHeaders(target.unaryPath, [["connection", "close"], ["UPPER", "case"]]),
        requestHeaders(target.unaryPath, [["grpc-timeout", random.pick(["0n", "-1S", "99999999H", "1e9", ""])]]),
        requestHeaders(target.unaryPath, [["grpc-encoding", "lzma"], ["x-bin", "not base64 !"], ["y-bin", "%%%"]]),
        requestHeaders(target.unaryPath, [["content-length", random.pick(["5", "-1", "zzz"])]]),
        requestHeaders(target.unaryPath, [["x-control", "a\r\nb\u0000c"]]),
        requestHeaders(target.unaryPath, Array.from({ length: 400 }, (_, index) => [`h${index}`, "v"] as const)),
      ]),
      random.pick([
        Flag.endHeaders,
        Flag.endHeaders | Flag.endStream,
        Flag.endHeaders | Flag.padded,
        Flag.endHeaders | Flag.priority,
      ]),
    ));
    await pause(random.integer(0, 15));
    if (random.next() < 0.5) await wire.write(Buffer.concat([rstStream(1), goaway(0)]));
    close(wire, random);
  },
};

/** The server refuses such a call before any handler sees it; the reset is there before the refusal can be sent. */
const refusedThenReset: Attack = {
  name: "refused calls that are already reset",
  async run(target, random) {
    const wire = await openWire(target);
    const pieces: Uint8Array[] = [greeting()];
    for (let id = 1; id < 40; id += 2) {
      const block = random.pick([
        requestHeaders("/no.such/Method"),
        hpack([[":method", "POST"], [":scheme", "http"], [":path", target.unaryPath], ["content-type", "text/plain"]]),
        hpack([[":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "localhost"]]),
      ]);
      pieces.push(headers(id, block), random.pick([rstStream(id), data(id, new Uint8Array(), true), goaway(0)]));
    }
    await deliver(wire, pieces, random);
    close(wire, random);
  },
};

const outOfPlace: Attack = {
  name: "frames out of place",
  async run(target, random) {
    const wire = await openStreams(target, random, 2);
    const block = requestHeaders(target.unaryPath);
    const weapons = random.shuffled([
      data(99, Buffer.from("idle stream")),
      data(0, Buffer.from("stream zero")),
      headers(0, block),
      headers(2, block),
      headers(1, block),
      headers(1, hpack([["grpc-status", "0"]]), Flag.endHeaders | Flag.endStream),
      frame(FrameType.priority, { stream: 1, payload: Buffer.concat([uint32(1), Uint8Array.of(16)]) }),
      frame(FrameType.priority, { stream: 7, payload: random.bytes(4) }),
      frame(FrameType.pushPromise, { stream: 1, flags: Flag.endHeaders, payload: Buffer.concat([uint32(2), block]) }),
      frame(FrameType.continuation, { stream: 1, payload: block }),
      frame(FrameType.data, { stream: 1, flags: Flag.padded, payload: Uint8Array.of(255, 1, 2) }),
      rstStream(0),
      rstStream(999),
      frame(FrameType.rstStream, { stream: 1, payload: random.bytes(3) }),
      frame(FrameType.goaway, { stream: 1, payload: random.bytes(8) }),
      frame(FrameType.goaway, { payload: random.bytes(5) }),
      frame(random.integer(10, 255), {
        stream: random.integer(0, 9),
        flags: random.integer(0, 255),
        payload: random.bytes(20),
      }),
      PREFACE,
    ]);
    await deliver(wire, weapons.slice(0, random.integer(1, 4)), random);
    await pause(random.integer(0, 15));
    close(wire, random);
  },
};

const garbage: Attack = {
  name: "random bytes",
  async run(target, random) {
    const wire = await openWire(target);
    if (random.next() < 0.6) await wire.write(greeting());
    await wire.write(random.bytes(random.integer(1, 3000)));
    await pause(random.integer(0, 10));
    close(wire, random);
  },
};

const mutated: Attack = {
  name: "a good session with flipped bits",
  async run(target, random) {
    const wire = await openWire(target);
    const message = grpcMessage(Buffer.from("hello"));
    const session = Buffer.concat([
      greeting([3, 100], [4, 65535]),
      SETTINGS_ACK,
      streamStart(target, 1),
      headers(3, requestHeaders(target.unaryPath)),
      data(3, message, true),
      windowUpdate(0, 70000),
      data(1, message),
      rstStream(1),
      ping(),
      headers(5, requestHeaders(target.unaryPath)),
      data(5, message, true),
      goaway(0),
    ]);
    for (let flips = random.integer(1, 6); flips > 0; flips--) {
      session[random.integer(PREFACE.length, session.length - 1)] ^= 1 << random.integer(0, 7);
    }
    const cut = random.integer(1, session.length);
    await deliver(wire, [session.subarray(0, cut), session.subarray(cut)], random);
    await pause(random.integer(0, 20));
    close(wire, random);
  },
};

const slowLoris: Attack = {
  name: "slow loris",
  async run(target, random) {
    const whole = Buffer.concat([greeting(), streamStart(target, 1)]);
    const opened = await Promise.allSettled(Array.from({ length: 10 }, () => openWire(target)));
    const wires = opened.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
    for (let offset = 0; offset < 40; offset++) {
      await Promise.all(wires.map((wire) => wire.write(whole.subarray(offset, offset + 1))));
      await pause(5);
    }
    for (const wire of wires) close(wire, random);
  },
};

const http1: Attack = {
  name: "http/1 requests",
  async run(target, random) {
    const wire = await openWire(target);
    await wire.write(Buffer.from(random.pick([
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
      "POST /crash HTTP/1.0\r\nContent-Length: 99999999\r\n\r\nabc",
      "PRI * HTTP/1.1\r\n\r\n",
      "CONNECT localhost:1 HTTP/1.1\r\n\r\n",
    ])));
    await wire.firstBytes(100);
    close(wire, random);
  },
};

const connectionChurn: Attack = {
  name: "connections opened and dropped",
  async run(target, random) {
    await Promise.allSettled(Array.from({ length: 25 }, async () => {
      const wire = await openWire(target);
      if (random.next() < 0.5) await wire.write(Buffer.concat([greeting(), streamStart(target, 1)]));
      close(wire, random);
    }));
  },
};

const halfClosed: Attack = {
  name: "half-closed sockets that keep reading",
  async run(target, random) {
    const wire = await openStreams(target, random, 3);
    wire.stream.end();
    await pause(random.integer(0, 60));
    wire.reset();
  },
};

const unread: Attack = {
  name: "a peer that never reads",
  async run(target, random) {
    const wire = await openWire(target);
    wire.stream.pause();
    wire.socket.pause();
    await wire.write(Buffer.concat([
      greeting([4, LARGEST_ID]),
      windowUpdate(0, LARGEST_ID - 65535),
      streamStart(target, 1),
      streamStart(target, 3),
    ]));
    await pause(random.integer(20, 250));
    if (random.next() < 0.5) await wire.write(Buffer.concat([rstStream(1), goaway(0)]));
    wire.reset();
  },
};

export const attacks: readonly Attack[] = [
  beforeSettings,
  midHeaders,
  orderAttack("rst, goaway and close at once after headers", "at once"),
  orderAttack("rst, goaway and close while the server writes", "while the server writes"),
  orderAttack("rst, goaway and close after end of stream", "after the end"),
  rapidReset,
  manyStreams,
  goawayAfterCalls,
  windowUpdates,
  starvedWindow,
  settingsFlood,
  badSettings,
  pingFlood,
  continuationFlood,
  oversized,
  badHeaders,
  refusedThenReset,
  outOfPlace,
  garbage,
  mutated,
  slowLoris,
  http1,
  connectionChurn,
  halfClosed,
  unread,
];
