import assert from "node:assert/strict";
import { DialSlots } from "../../../src/grpc/callback/dial_slots.ts";
import { turns } from "../../support/waiting/turns.ts";

/** Dials that last until the test ends them. */
function open(options: { perAddress: number; inAll: number }) {
  const slots = new DialSlots(options);
  const running: { address: string; end: () => void }[] = [];
  const dial = (address: string, signal = new AbortController().signal) =>
    slots.run(address, {
      signal,
      dial: () => new Promise<void>((end) => running.push({ address, end })),
    });
  return { running, dial, addresses: () => running.map(({ address }) => address) };
}

Deno.test("an address has so many dials in progress, and others do not wait for it", async () => {
  const { running, dial, addresses } = open({ perAddress: 2, inAll: 10 });
  const dials = ["10.0.0.1", "10.0.0.1", "10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2"].map((address) => dial(address));
  await turns();
  assert.deepEqual(addresses(), ["10.0.0.1", "10.0.0.1", "10.0.0.2"]);
  running[0].end();
  await turns();
  assert.deepEqual(addresses(), ["10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.1"]);
  running[1].end();
  await turns();
  for (const { end } of running) end();
  await Promise.all(dials);
  assert.equal(running.length, 5);
});

Deno.test("all addresses together have so many dials in progress", async () => {
  const { running, dial, addresses } = open({ perAddress: 2, inAll: 2 });
  const dials = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((address) => dial(address));
  await turns();
  assert.deepEqual(addresses(), ["10.0.0.1", "10.0.0.2"]);
  running[1].end();
  await turns();
  assert.deepEqual(addresses(), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  for (const { end } of running) end();
  await Promise.all(dials);
});

Deno.test("who waits too long for a dial gives its place up", async () => {
  const { running, dial, addresses } = open({ perAddress: 1, inAll: 1 });
  const first = dial("10.0.0.1");
  const late = new AbortController();
  const second = dial("10.0.0.1", late.signal);
  const third = dial("10.0.0.2");
  late.abort(new Error("too late"));
  await assert.rejects(second, /too late/);
  await assert.rejects(dial("10.0.0.1", late.signal), /too late/);
  running[0].end();
  await turns();
  assert.deepEqual(addresses(), ["10.0.0.1", "10.0.0.2"]);
  running[1].end();
  await Promise.all([first, third]);
});

Deno.test("a dial that fails frees its place", async () => {
  const slots = new DialSlots({ perAddress: 1, inAll: 1 });
  const { signal } = new AbortController();
  const failing = () => slots.run("10.0.0.1", { signal, dial: () => Promise.reject(new Error("nobody there")) });
  for (let count = 0; count < 3; count++) await assert.rejects(failing(), /nobody there/);
});
