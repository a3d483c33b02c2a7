/** Attacks with frames that break rules, or come without end. */
import { Buffer } from "node:buffer";
import { type Attack, close, deliver, greeting, LARGEST_ID, openStreams, pause, streamStart } from "./attack.ts";
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
import { openWire } from "./target.ts";

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

export const frameAttacks: readonly Attack[] = [
  windowUpdates,
  starvedWindow,
  settingsFlood,
  badSettings,
  pingFlood,
  continuationFlood,
  oversized,
  badHeaders,
  outOfPlace,
  garbage,
  mutated,
];
