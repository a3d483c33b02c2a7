/** Attacks with streams that begin and end in any order. */
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
  requestHeaders,
  rstStream,
  SETTINGS_ACK,
  windowUpdate,
} from "./http2_frames.ts";
import { openWire } from "./target.ts";

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

export const streamAttacks: readonly Attack[] = [
  midHeaders,
  orderAttack("rst, goaway and close at once after headers", "at once"),
  orderAttack("rst, goaway and close while the server writes", "while the server writes"),
  orderAttack("rst, goaway and close after end of stream", "after the end"),
  rapidReset,
  manyStreams,
  goawayAfterCalls,
  refusedThenReset,
];
