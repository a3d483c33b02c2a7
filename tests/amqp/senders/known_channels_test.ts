import assert from "node:assert/strict";
import { processOf } from "../../../src/amqp/direct_address.ts";
import { eventDeadlineMs, KnownChannels } from "../../../src/amqp/senders/known_channels.ts";
import { directReplies } from "../../../src/amqp/topology.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";

/** The address of a process, as NEW_PID_EXT (https://www.erlang.org/doc/apps/erts/erl_ext_dist) without the node. */
function address(id: number, serial = 0): string {
  const term = Buffer.alloc(14);
  term.set([131, 88]);
  term.writeUInt32BE(id, 2);
  term.writeUInt32BE(serial, 6);
  term.writeUInt32BE(1_795_448_032, 10);
  return `${directReplies}.${term.toString("base64")}.key`;
}

function known(): KnownChannels {
  const channels = new KnownChannels();
  channels.learn(address(900, 1));
  const connection = { id: "<1>", name: "127.0.0.1:1 -> 127.0.0.1:2" };
  channels.opened(processOf(address(1_000, 1)), { user: "ana", connection });
  return channels;
}

Deno.test("an address is accepted from its user, or if its process is older than the server's", () => {
  const channels = known();
  assert.equal(channels.judge(address(1_000, 1), "ana"), true);
  assert.equal(channels.judge(address(1_000, 1), ""), true);
  assert.equal(channels.judge(address(1_000, 1), "mallory"), false);
  assert.equal(channels.judge(address(800), "mallory"), true);
  for (const impossible of [address(950), address(2 ** 32 - 1), address(1, 2)]) {
    assert.equal(channels.judge(impossible, "mallory"), undefined);
  }
});

Deno.test("the last messages of a closed channel are still answered", () => {
  const channels = known();
  channels.closed(processOf(address(1_000, 1)));
  assert.equal(channels.judge(address(1_000, 1), "ana"), true);
});

Deno.test("a channel that the broker reports a little later is awaited, within bounds", async () => {
  const channels = known();
  const later = channels.judgeLater(address(1_001, 1), "ben");
  channels.opened(processOf(address(1_001, 1)), { user: "ben", connection: { id: "<2>", name: "" } });
  assert.equal(await later, true);
  const waiting = Array.from({ length: 16 }, () => channels.judgeLater(address(1_002, 1), "mallory"));
  assert.equal(await channels.judgeLater(address(1_002, 1), "mallory"), undefined);
  channels.opened(processOf(address(1_002, 1)), { user: "trudy", connection: { id: "<3>", name: "" } });
  assert.deepEqual([...new Set(await Promise.all(waiting))], [false]);
});

Deno.test("waits for the broker end, without a verdict, when its connection does", async () => {
  const channels = known();
  const waiting = channels.judgeLater(address(1_001, 1), "ben");
  channels.close();
  assert.equal(await waiting, undefined);
  assert.equal(await channels.judgeLater(address(1_001, 1), "ben"), undefined);
});

Deno.test("a message still waits for its channel when the deadline of an earlier one has passed", async () => {
  using time = new FakeTime();
  const channels = known();
  const early = channels.judgeLater(address(1_001, 1), "ben");
  await time.tick(eventDeadlineMs - 1);
  const late = channels.judgeLater(address(1_001, 1), "ben");
  await time.tick(1);
  assert.equal(await early, false);
  channels.opened(processOf(address(1_001, 1)), { user: "ben", connection: { id: "<2>", name: "" } });
  assert.equal(await late, true);
  assert.equal(time.pending, 0);
});
