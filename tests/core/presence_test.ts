import assert from "node:assert/strict";
import { LiveSessions } from "../../src/core/live_sessions.ts";
import { silentLog } from "../../src/core/log.ts";
import { Presence } from "../../src/core/presence.ts";
import { turns } from "../support/turns.ts";
import { FakeTime } from "../support/fake_time.ts";
import { accept, directAppend, userRecord } from "../support/stored_messages.ts";
import { FakeSubscriber } from "../support/test_chat.ts";
import { TestStore } from "../support/test_store.ts";

/** Ana and ben have a conversation; cleo has none. */
async function open() {
  const { messages: store, accounts } = TestStore.open();
  for (const user of ["ana", "ben", "cleo"]) await accounts.addUser(userRecord(user));
  await accept(store, directAppend("ana", "ben"));
  const live = new LiveSessions();
  const presence = new Presence({ live, store, log: silentLog });
  const come = (subscriber: FakeSubscriber) => live.add(subscriber) && presence.arrived(subscriber.identity.user);
  const go = (subscriber: FakeSubscriber) => live.remove(subscriber) && presence.left(subscriber.identity.user);
  return { store, live, presence, come, go };
}

Deno.test("peers are told who comes, and nobody else is", async () => {
  const { presence, come } = await open();
  const [ana, ben, cleo] = ["ana", "ben", "cleo"].map((user) => new FakeSubscriber({ user }));
  for (const each of [ben, cleo, ana]) {
    come(each);
    await turns();
  }
  assert.deepEqual(ben.presence, [["ana", true]]);
  assert.deepEqual(cleo.presence, []);
  assert.deepEqual(ana.presence, []);
  assert.deepEqual(await presence.onlinePeers("ana"), ["ben"]);
  assert.deepEqual(await presence.onlinePeers("cleo"), []);
});

Deno.test("only those who are online are looked for among the conversations", async () => {
  const { store, presence, come } = await open();
  const asked: string[][] = [];
  const peersAmong = store.peersAmong.bind(store);
  store.peersAmong = (user, others) => {
    asked.push([user, ...others]);
    return peersAmong(user, others);
  };
  for (const user of ["cleo", "ana"]) come(new FakeSubscriber({ user }));
  await turns();
  assert.deepEqual(asked, [["cleo", "cleo"], ["ana", "cleo", "ana"]]);
  assert.deepEqual(await presence.onlinePeers("ana"), []);
  assert.deepEqual(asked[2], ["ana", "cleo", "ana"]);
});

Deno.test("somebody is online until 3 s after the last session", async () => {
  using time = new FakeTime();
  const { presence, come, go } = await open();
  const [ana, ben] = ["ana", "ben"].map((user) => new FakeSubscriber({ user }));
  come(ben);
  come(ana);
  go(ana);
  await time.tick(2_999);
  assert.equal(presence.isOnline("ana"), true);
  assert.deepEqual(ben.presence, [["ana", true]]);
  await time.tick(1);
  assert.equal(presence.isOnline("ana"), false);
  assert.deepEqual(ben.presence, [["ana", true], ["ana", false]]);
});

Deno.test("nobody hears of a reconnect within the grace time", async () => {
  using time = new FakeTime();
  const { come, go } = await open();
  const [ana, ben] = ["ana", "ben"].map((user) => new FakeSubscriber({ user }));
  come(ben);
  come(ana);
  await turns();
  for (let round = 0; round < 3; round++) {
    go(ana);
    await time.tick(2_000);
    come(ana);
    await time.tick(5_000);
  }
  assert.deepEqual(ben.presence, [["ana", true]]);
  assert.equal(time.pending, 0);
});

Deno.test("close() leaves no timer behind", async () => {
  using time = new FakeTime();
  const { presence, come, go } = await open();
  const ana = new FakeSubscriber({ user: "ana" });
  come(ana);
  go(ana);
  assert.equal(time.pending, 1);
  presence.close();
  assert.equal(time.pending, 0);
});
