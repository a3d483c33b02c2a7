import assert from "node:assert/strict";
import { ConnectionCounts } from "../../../src/amqp/broker/connection_counts.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";

/** Ten connections per user, and a broker that answers on demand. */
function setUp() {
  const clock = new FakeClock();
  const asked: ((count: number | undefined) => void)[] = [];
  const count = () => new Promise<number | undefined>((resolve) => asked.push(resolve));
  const counts = new ConnectionCounts({ max: 10, clock, count });
  const admitted = async (logins: number) =>
    (await Promise.all(Array.from({ length: logins }, () => counts.admits("ana")))).filter(Boolean).length;
  return { admitted, asked, clock, counts };
}

Deno.test("concurrent logins share one count, and its remainder", async () => {
  const { admitted, asked, clock } = setUp();
  assert.equal(await admitted(10), 10);
  clock.advance(60_000);
  const further = admitted(50);
  assert.equal(asked.length, 1);
  asked[0](7);
  assert.equal(await further, 3);
});

Deno.test("logins that the broker may not list yet are added to its count", async () => {
  const { admitted, asked, clock } = setUp();
  assert.equal(await admitted(10), 10);
  clock.advance(1_000);
  const soon = admitted(5);
  asked[0](2);
  assert.equal(await soon, 0);
  clock.advance(60_000);
  const later = admitted(20);
  asked[1](2);
  assert.equal(await later, 8);
});

Deno.test("without an answer of the broker, no user exceeds the known bound, and the next login asks again", async () => {
  const { admitted, asked, clock, counts } = setUp();
  assert.equal(await admitted(10), 10);
  clock.advance(60_000);
  const refused = admitted(5);
  asked[0](undefined);
  assert.equal(await refused, 0);
  assert.equal(await counts.admits("ben"), true);
  const again = admitted(5);
  asked[1](9);
  assert.equal(await again, 1);
});
