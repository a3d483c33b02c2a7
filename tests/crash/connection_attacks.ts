/** Attacks with connections: slow, cut off, or of another protocol. */
import { Buffer } from "node:buffer";
import { type Attack, close, greeting, LARGEST_ID, openStreams, pause, streamStart } from "./attack.ts";
import { goaway, PREFACE, rstStream, SETTINGS_ACK, windowUpdate } from "./http2_frames.ts";
import { openWire } from "./target.ts";

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

export const connectionAttacks: readonly Attack[] = [
  beforeSettings,
  slowLoris,
  http1,
  connectionChurn,
  halfClosed,
  unread,
];
