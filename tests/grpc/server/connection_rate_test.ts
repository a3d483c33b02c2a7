import assert from "node:assert/strict";
import { ConnectionRate } from "../../../src/grpc/server/connection_rate.ts";
import { KnownAddresses } from "../../../src/grpc/server/known_addresses.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";

const limits = { perAddress: { burst: 4, perSecond: 2 }, inAll: { burst: 10, perSecond: 5 } };

function startRate() {
  const clock = new FakeClock();
  const rate = new ConnectionRate(limits, () => clock.now());
  /** The number of connections in a row that are admitted, of `count`. */
  const admitted = (address: string, { count = 20, isKnown = false } = {}) => {
    let taken = 0;
    while (taken < count && rate.admit(address, { isKnown })) taken++;
    return taken;
  };
  return { clock, rate, admitted };
}

Deno.test("an address opens so many connections at once, and then so many in a second", () => {
  const { clock, admitted } = startRate();
  assert.equal(admitted("192.0.2.1"), 4);
  clock.advance(1_000);
  assert.equal(admitted("192.0.2.1"), 2);
  clock.advance(60_000);
  assert.equal(admitted("192.0.2.1"), 4);
});

Deno.test("strangers open half of all connections, and known addresses the other half too", () => {
  const { clock, admitted } = startRate();
  assert.deepEqual(["192.0.2.1", "192.0.2.2", "192.0.2.3"].map((address) => admitted(address)), [4, 1, 0]);
  assert.equal(admitted("192.0.2.3", { isKnown: true }), 4, "a known address has its own bound");
  assert.equal(admitted("192.0.2.4", { isKnown: true }), 1, "nothing is left");
  clock.advance(1_000);
  assert.equal(admitted("192.0.2.5"), 0, "the half that is kept fills first");
  assert.equal(admitted("192.0.2.5", { isKnown: true }), 4);
  clock.advance(2_000);
  assert.equal(admitted("192.0.2.6"), 4, "all is as before");
});

Deno.test("a connection that was refused for all addresses does not count for its own", () => {
  const { clock, admitted } = startRate();
  assert.deepEqual(["192.0.2.1", "192.0.2.2", "192.0.2.3"].map((address) => admitted(address)), [4, 1, 0]);
  clock.advance(1_000);
  assert.equal(admitted("192.0.2.3"), 4);
});

Deno.test("a connection that is given back counts no more, for its address and in all", () => {
  const { rate, admitted } = startRate();
  for (let count = 0; count < 100; count++) {
    assert.ok(rate.admit("192.0.2.1", { isKnown: false }));
    rate.giveBack("192.0.2.1");
  }
  assert.deepEqual(["192.0.2.1", "192.0.2.2"].map((address) => admitted(address)), [4, 1]);
});

Deno.test("a bounded number of addresses is remembered, and strangers do not push out known ones", () => {
  const clock = new FakeClock();
  const rate = new ConnectionRate({ ...limits, inAll: { burst: 100_000, perSecond: 1 } }, () => clock.now());
  const known = new KnownAddresses(() => clock.now());
  known.add("192.0.2.1");
  for (let index = 0; index < 20_000; index++) rate.admit(`2001:db8:0:${index}::/64`, { isKnown: false });
  assert.equal(rate.size, 10_000);
  assert.ok(known.has("192.0.2.1"));
});

Deno.test("an address is known for a day after the latest log-in", () => {
  const clock = new FakeClock();
  const known = new KnownAddresses(() => clock.now());
  const hours = (count: number) => count * 60 * 60_000;
  assert.ok(!known.has("192.0.2.1"));
  known.add("192.0.2.1");
  clock.advance(hours(23));
  known.add("192.0.2.1");
  clock.advance(hours(23));
  assert.ok(known.has("192.0.2.1"));
  clock.advance(hours(1));
  assert.ok(!known.has("192.0.2.1"));
});

Deno.test("the known addresses are those of the latest 10,000 log-ins", () => {
  const known = new KnownAddresses();
  for (let index = 0; index < 10_000; index++) known.add(`address ${index}`);
  known.add("address 0");
  known.add("another address");
  assert.equal(known.size, 10_000);
  assert.deepEqual(["address 0", "address 1", "address 2"].map((address) => known.has(address)), [true, false, true]);
});
