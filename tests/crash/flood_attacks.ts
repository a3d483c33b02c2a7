/** Floods of calls that are no fault of HTTP/2: cheap to ask, and answered or refused by the server itself. */
import { Buffer } from "node:buffer";
import net from "node:net";
import { ClientFrame } from "../../src/gen/chatd/v1/session.ts";
import type { Attack } from "./attack.ts";
import { floodCalls, type FloodKind, headerBlock, openCalls, strangersFloods } from "./flood.ts";
import { data, grpcMessage, headers, PREFACE, requestHeaders, settings, SETTINGS_ACK } from "./http2_frames.ts";
import type { SeededRandom } from "./seeded_random.ts";
import { openWire, type Target } from "./target.ts";

const batches = 20;

/** The same call over one connection, again and again, whether it was answered or not. */
function callFlood(kind: FloodKind): Attack {
  return {
    name: `flood: ${kind}`,
    async run(target: Target, random: SeededRandom) {
      const { messages } = floodCalls[kind];
      const block = headerBlock(floodCalls[kind]);
      const wire = await openWire(target);
      await wire.write(Buffer.concat([PREFACE, settings([[4, random.pick([0, 65_535, 1 << 24])]]), SETTINGS_ACK]));
      for (let stream = 1, batch = 0; batch < batches && !wire.closed; batch++) {
        const frames: Buffer[] = [];
        for (let call = 0; call < openCalls; call++, stream += 2) {
          const bodies = messages.map((message, index) =>
            data(stream, grpcMessage(message), index === messages.length - 1)
          );
          frames.push(headers(stream, block), ...bodies);
        }
        await wire.write(Buffer.concat(frames));
        await wire.firstBytes(20);
      }
      if (random.next() < 0.5) wire.finish();
      else wire.reset();
    },
  };
}

/** Pages of all users, over a live session of a user. */
const largePages: Attack = {
  name: "flood: large pages",
  async run(target) {
    const [hello] = target.streamOpening;
    if (hello === undefined) return;
    const wire = await openWire(target);
    const page = (id: number) => {
      const kind = { $case: "listUsers" as const, value: { after: "", limit: 1_000 } };
      return data(1, grpcMessage(ClientFrame.encode({ requests: [{ id, kind }] }).finish()));
    };
    const opening = [PREFACE, settings(), SETTINGS_ACK, headers(1, requestHeaders(target.streamPath))];
    await wire.write(Buffer.concat([...opening, data(1, grpcMessage(hello))]));
    await wire.firstBytes(300);
    for (let id = 100; id < 900 && !wire.closed; id += 100) {
      await wire.write(Buffer.concat(Array.from({ length: 100 }, (_, index) => page(id + index))));
    }
    wire.reset();
  },
};

/** A connection that is reset, and opened again from its port before the server knows that the first one is gone. */
const samePort: Attack = {
  name: "connections reset and opened again from the same port",
  async run({ port }, random) {
    const localAddress = Deno.build.os === "linux"
      ? `127.2.${random.integer(0, 250)}.${random.integer(1, 250)}`
      : undefined;
    const open = (localPort?: number) =>
      new Promise<number | undefined>((resolve) => {
        const socket = net.connect({ port, host: "127.0.0.1", localAddress, localPort });
        socket.on("error", () => resolve(undefined));
        socket.once("connect", () => {
          const used = socket.localPort;
          socket.write(Buffer.concat([PREFACE, settings()]));
          socket.once("close", () => resolve(used));
          socket.resetAndDestroy();
        });
      });
    for (let count = 0, local = await open(); count < 50; count++) local = await open(local);
  },
};

export const floodAttacks: readonly Attack[] = [
  ...strangersFloods.map(callFlood),
  largePages,
  samePort,
];
