/**
 * Prints how many octets of the heap each failed dial leaves behind, for each kind of failure; needs
 * `--v8-flags=--expose-gc`.
 */
import { callbackDialler } from "../../../src/grpc/callback/dial_callback.ts";
import { DialSlots } from "../../../src/grpc/callback/dial_slots.ts";
import { host, type HostileListener, listenHostile } from "./hostile_listener.ts";

const { gc } = globalThis as unknown as { gc(): void };
const dials = 600;
const atOnce = 50;
const deadlineMs = 50;

await using silent = await listenHostile({ plain: () => {} });
await using plain = await listenHostile({ plain: (socket) => socket.end("220 mail ready\r\n") });
const closed = await listenHostile({});
await closed[Symbol.asyncDispose]();

const dialler = callbackDialler({ slots: new DialSlots({ perAddress: atOnce, inAll: atOnce }) })(host);

async function failOnce({ port, der }: HostileListener): Promise<void> {
  const callback = { port, certificate: der, secret: new Uint8Array(32) };
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), deadlineMs);
  await dialler(callback, deadline).then((channel) => channel.close(), () => {});
  clearTimeout(timer);
}

async function heapBytes(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 100));
  gc();
  gc();
  return Deno.memoryUsage().heapUsed;
}

async function growthOf(listener: HostileListener): Promise<number> {
  const dial = async (count: number) => {
    for (let done = 0; done < count; done += atOnce) {
      await Promise.all(Array.from({ length: atOnce }, () => failOnce(listener)));
    }
  };
  await dial(200);
  const before = await heapBytes();
  await dial(dials);
  return Math.round((await heapBytes() - before) / dials);
}

console.log(JSON.stringify({
  closed: await growthOf(closed),
  silent: await growthOf(silent),
  plain: await growthOf(plain),
}));
