import assert from "node:assert/strict";
import { silentLog } from "../../../src/core/log.ts";
import { LiveSessions } from "../../../src/core/people/live_sessions.ts";
import type { PresenceState } from "../../../src/core/people/notice.ts";
import { Presence } from "../../../src/core/people/presence.ts";
import { UserSettings } from "../../../src/core/people/user_settings.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";
import { accept, directAppend, userRecord } from "../../support/servers/stored_messages.ts";
import { FakeSubscriber } from "../../support/servers/test_chat.ts";
import { TestStore } from "../../support/servers/test_store.ts";
import { turns } from "../../support/waiting/turns.ts";

/** Ana and ben have a conversation; cleo has none. */
async function open() {
  const { messages: store, accounts, settings: settingsStore } = TestStore.open();
  for (const user of ["ana", "ben", "cleo"]) await accounts.addUser(userRecord(user));
  await accept(store, directAppend("ana", "ben"));
  const live = new LiveSessions();
  const clock = new FakeClock();
  const settings = new UserSettings({
    store: settingsStore,
    applied: () => store.head,
    betweenCommits: (work) => work(),
    isOnline: () => true,
    isUser: () => Promise.resolve(true),
    onChanged: (user, { before, after }) => {
      if (before.presence !== after.presence) presence.visibilityChanged(user);
    },
  });
  const presence: Presence = new Presence({ live, store, settingsStore, settings, clock, log: silentLog });
  const come = (subscriber: FakeSubscriber) => {
    const { user } = subscriber.identity;
    const before = presence.stateOf(user);
    live.add(subscriber);
    presence.sessionsChanged(user, before);
  };
  const go = (subscriber: FakeSubscriber) => {
    const { user } = subscriber.identity;
    const before = presence.stateOf(user);
    live.remove(subscriber);
    presence.sessionsChanged(user, before);
  };
  const lastSeen = async (user: string) => (await settingsStore.readLastSeen([user]))[0];
  const visible = (presence: boolean) => settings.update("ana", { presence });
  return { store, live, presence, settings, settingsStore, clock, come, go, lastSeen, visible };
}

function told(subscriber: FakeSubscriber): [user: string, state: PresenceState][] {
  return subscriber.notices.flatMap((notice) => notice.kind === "presence" ? [[notice.user, notice.state]] : []);
}

function people(): FakeSubscriber[] {
  return ["ana", "ben", "cleo"].map((user) => new FakeSubscriber({ user }));
}

Deno.test("only peers are told when a user comes online", async () => {
  const { presence, come } = await open();
  const [ana, ben, cleo] = people();
  for (const each of [ben, cleo, ana]) {
    come(each);
    await turns();
  }
  assert.deepEqual([ana, ben, cleo].map(told), [[], [["ana", "online"]], []]);
  assert.deepEqual(await presence.peersPresent("ana"), [{ user: "ben", state: "online" }]);
  assert.deepEqual(await presence.peersPresent("cleo"), []);
});

Deno.test("coming, going and listing peers look at the user's peers, not at all who are online", async () => {
  using time = new FakeTime();
  const { presence, live, come, go } = await open();
  const [ana, ben] = people();
  come(ben);
  for (let index = 0; index < 50; index++) live.add(new FakeSubscriber({ user: `stranger${index}` }));
  let lists = 0;
  const keys = live.online.keys.bind(live.online);
  live.online.keys = () => {
    lists++;
    return keys();
  };
  come(ana);
  assert.deepEqual(await presence.peersPresent("ana"), [{ user: "ben", state: "online" }]);
  presence.setAway(ana, true);
  await turns();
  go(ana);
  await time.tick(3_000);
  await turns();
  assert.deepEqual(told(ben), [["ana", "online"], ["ana", "away"], ["ana", "offline"]]);
  assert.equal(lists, 0);
  await presence.close();
});

Deno.test("a login looks the user's peers up once, to announce it and to list them", async () => {
  const { store, presence, settings, come } = await open();
  const peersAmong = store.peersAmong.bind(store);
  let lookUps = 0;
  store.peersAmong = (user, others) => {
    lookUps++;
    return peersAmong(user, others);
  };
  const [ana, ben] = people();
  come(ben);
  // As a session does before it begins.
  await settings.load("ana");
  await turns();
  lookUps = 0;
  come(ana);
  assert.deepEqual(await presence.peersPresent("ana"), [{ user: "ben", state: "online" }]);
  await turns();
  assert.equal(lookUps, 1);
  await presence.peersPresent("ana");
  assert.equal(lookUps, 2);
  assert.deepEqual(told(ben), [["ana", "online"]]);
});

Deno.test("the absence of users who leave together is told to the users who are still online", async () => {
  using time = new FakeTime();
  const { store, presence, come, go } = await open();
  const peersAmong = store.peersAmong.bind(store);
  const among: number[] = [];
  store.peersAmong = (user, others) => {
    among.push(others.size);
    return peersAmong(user, others);
  };
  const [ana, ben, cleo] = people();
  for (const each of [cleo, ben, ana]) come(each);
  await turns();
  for (const each of [ana, cleo]) go(each);
  among.length = 0;
  await time.tick(3_000);
  assert.deepEqual(among, [1, 1]);
  assert.deepEqual(told(ben), [["ana", "online"], ["ana", "offline"]]);
  await presence.close();
});

Deno.test("a user is online until 3 s after the last session", async () => {
  using time = new FakeTime();
  const { presence, come, go } = await open();
  const [ana, ben] = people();
  come(ben);
  come(ana);
  go(ana);
  await time.tick(2_999);
  assert.equal(presence.stateOf("ana"), "online");
  assert.deepEqual(await presence.peersPresent("ben"), [{ user: "ana", state: "online" }]);
  assert.deepEqual(told(ben), [["ana", "online"]]);
  await time.tick(1);
  assert.equal(presence.stateOf("ana"), "offline");
  assert.deepEqual(told(ben), [["ana", "online"], ["ana", "offline"]]);
  await presence.close();
});

Deno.test("a reconnect within the grace time is not announced", async () => {
  using time = new FakeTime();
  const { come, go } = await open();
  const [ana, ben] = people();
  come(ben);
  come(ana);
  await turns();
  for (let round = 0; round < 3; round++) {
    go(ana);
    await time.tick(2_000);
    come(ana);
    await time.tick(5_000);
  }
  assert.deepEqual(told(ben), [["ana", "online"]]);
  assert.equal(time.pending, 0);
});

Deno.test("a user is away when all sessions are, except those of programs", async () => {
  using time = new FakeTime();
  const { presence, come, go } = await open();
  const [phone, laptop] = ["phone", "laptop"].map((deviceId) => new FakeSubscriber({ user: "ana", deviceId }));
  const bot = new FakeSubscriber({ user: "ana", deviceId: "bot" }, "tail:alerts");
  const [, ben] = people();
  for (const each of [ben, phone, laptop, bot]) come(each);
  await turns();
  presence.setAway(phone, true);
  assert.equal(presence.stateOf("ana"), "online");
  presence.setAway(laptop, true);
  presence.setAway(laptop, true);
  await turns();
  assert.equal(presence.stateOf("ana"), "away");
  assert.deepEqual(await presence.peersPresent("ben"), [{ user: "ana", state: "away" }]);
  presence.setAway(phone, false);
  await turns();
  go(phone);
  await turns();
  assert.deepEqual(told(ben).map(([, state]) => state), ["online", "away", "online", "away"]);
  go(laptop);
  await time.tick(3_000);
  assert.equal(presence.stateOf("ana"), "offline");
  await presence.close();
});

Deno.test("sessions of programs do not make a user present, nor keep them present", async () => {
  using time = new FakeTime();
  const { presence, clock, come, go } = await open();
  const [ana, ben] = people();
  const programs = ["tail:alerts", "bot:answers", "script", "script-2", "pipe", "export"]
    .map((consumer) => new FakeSubscriber({ user: "ana" }, consumer));
  come(ben);
  for (const each of programs) come(each);
  await turns();
  assert.equal(presence.stateOf("ana"), "offline");
  assert.deepEqual(await presence.peersPresent("ben"), []);
  come(ana);
  await turns();
  const left = clock.now();
  go(ana);
  go(programs[0]);
  assert.equal(presence.stateOf("ana"), "online");
  await time.tick(3_000);
  assert.deepEqual(await presence.see("ben", ["ana"]), [{ state: "offline", lastSeenAt: left }]);
  for (const each of programs.slice(1)) go(each);
  await time.tick(3_000);
  assert.deepEqual(told(ben), [["ana", "online"], ["ana", "offline"]]);
  await presence.close();
});

Deno.test("a second screen, or one with a consumer of another name, makes a user present", async () => {
  const { presence, come } = await open();
  for (const [user, consumer] of [["ana", "ui-2"], ["ben", "work"]]) {
    come(new FakeSubscriber({ user }, consumer));
    assert.equal(presence.stateOf(user), "online");
  }
});

Deno.test("a program that says so makes its user present", async () => {
  using time = new FakeTime();
  const { presence, come, go } = await open();
  const [, ben] = people();
  const bot = new FakeSubscriber({ user: "ana" }, "bot:answers");
  for (const each of [ben, bot]) come(each);
  presence.setAway(bot, false);
  await turns();
  go(bot);
  await time.tick(3_000);
  assert.deepEqual(told(ben), [["ana", "online"], ["ana", "offline"]]);
  await presence.close();
});

Deno.test("a program that says its user is away does not make them present, nor away", async () => {
  using time = new FakeTime();
  const { presence, come, go } = await open();
  const [ana, ben] = people();
  const script = new FakeSubscriber({ user: "ana" }, "script");
  for (const each of [ben, script]) come(each);
  presence.setAway(script, true);
  await turns();
  assert.equal(presence.stateOf("ana"), "offline");
  come(ana);
  await turns();
  assert.equal(presence.stateOf("ana"), "online");
  go(ana);
  await time.tick(3_000);
  assert.equal(presence.stateOf("ana"), "offline");
  presence.setAway(script, false);
  assert.equal(presence.stateOf("ana"), "online");
  presence.setAway(script, true);
  await time.tick(3_000);
  assert.deepEqual([presence.stateOf("ana"), told(ben).map(([, state]) => state)], [
    "offline",
    ["online", "offline", "online", "offline"],
  ]);
  await presence.close();
});

Deno.test("users who begin a conversation are told of each other's presence, unless one hides it or blocks", async () => {
  const { store, presence, settings, come } = await open();
  const [ana, ben, cleo] = people();
  for (const each of [ana, ben, cleo]) {
    await settings.load(each.identity.user);
    come(each);
  }
  presence.setAway(cleo, true);
  await turns();
  for (const each of [ana, ben, cleo]) each.notices.length = 0;
  await presence.introduce("ben", ["ben", "cleo"]);
  assert.deepEqual([ana, ben, cleo].map(told), [[], [], []]);
  await accept(store, directAppend("ben", "cleo"));
  await presence.introduce("ben", ["ben", "cleo"]);
  assert.deepEqual([ana, ben, cleo].map(told), [[], [["cleo", "away"]], [["ben", "online"]]]);
  presence.setAway(cleo, false);
  await turns();
  assert.deepEqual(told(ben), [["cleo", "away"], ["cleo", "online"]]);
  await settings.update("ana", { presence: false });
  await accept(store, directAppend("ana", "cleo"));
  await presence.introduce("ana", ["ana", "cleo"]);
  assert.deepEqual([told(ana), told(cleo)], [[["cleo", "online"]], [["ben", "online"]]]);
  await settings.block("cleo", "ben");
  for (const each of [ana, ben, cleo]) each.notices.length = 0;
  await presence.introduce("ben", ["ben", "cleo"]);
  await presence.introduce("cleo", ["ben", "cleo"]);
  assert.deepEqual([ana, ben, cleo].map(told), [[], [], []]);
});

Deno.test("a user who hides presence looks offline to everyone", async () => {
  using time = new FakeTime();
  const { presence, come, go, visible } = await open();
  const [ana, ben] = people();
  await visible(false);
  come(ben);
  come(ana);
  await turns();
  presence.setAway(ana, true);
  await turns();
  assert.deepEqual(told(ben), []);
  assert.deepEqual(await presence.peersPresent("ben"), []);
  assert.deepEqual(await presence.see("ben", ["ana", "ben", "cleo"]), [
    { state: undefined, lastSeenAt: 0 },
    { state: "online", lastSeenAt: 0 },
    { state: "offline", lastSeenAt: 0 },
  ]);
  go(ana);
  await time.tick(10_000);
  assert.deepEqual(told(ben), []);
  assert.deepEqual(await presence.see("ben", ["ana"]), [{ state: undefined, lastSeenAt: 0 }]);
  await presence.close();
});

Deno.test("hiding looks like going offline, and showing like coming online", async () => {
  const { presence, come, visible } = await open();
  const [ana, ben] = people();
  come(ben);
  come(ana);
  await turns();
  await visible(false);
  await turns();
  presence.setAway(ana, true);
  await turns();
  await visible(true);
  await turns();
  assert.deepEqual(told(ben).map(([, state]) => state), ["online", "offline", "away"]);
});

Deno.test("frequent changes are announced now and then, ending with the current state", async () => {
  using time = new FakeTime();
  const { presence, clock, come, visible } = await open();
  const [ana, ben] = people();
  come(ben);
  come(ana);
  for (let round = 0; round < 200; round++) {
    presence.setAway(ana, round % 2 === 0);
    await visible(round % 3 !== 0);
    await turns();
  }
  await visible(true);
  presence.setAway(ana, true);
  await turns();
  assert.ok(told(ben).length <= 20, `${told(ben).length} times`);
  clock.advance(10_000);
  await time.tick(10_000);
  assert.deepEqual(told(ben).at(-1), ["ana", "away"]);
  assert.ok(told(ben).length <= 20, `${told(ben).length} times`);
  presence.setAway(ana, false);
  await turns();
  assert.deepEqual(told(ben).at(-1), ["ana", "online"]);
  await visible(false);
  await turns();
  assert.deepEqual(told(ben).at(-1), ["ana", "offline"]);
  await presence.close();
});

Deno.test("the last time online is shown when a user is offline, and stored", async () => {
  using time = new FakeTime();
  const { presence, clock, come, go, lastSeen } = await open();
  const [ana, ben] = people();
  const left = clock.now();
  come(ana);
  go(ana);
  clock.advance(3_000);
  await time.tick(3_000);
  assert.deepEqual(await presence.see("ben", ["ana"]), [{ state: "offline", lastSeenAt: left }]);
  assert.equal(await lastSeen("ana"), 0);
  await time.tick(1_000);
  assert.equal(await lastSeen("ana"), left);
  assert.deepEqual(await presence.see("ben", ["ana"]), [{ state: "offline", lastSeenAt: left }]);
  come(ben);
  clock.advance(5_000);
  go(ben);
  const benLeft = clock.now();
  clock.advance(1_000);
  await presence.close();
  assert.equal(await lastSeen("ben"), benLeft);
  assert.equal(time.pending, 0);
});

Deno.test("the last times online of many users are stored a part at a time, also when the server stops", async () => {
  using time = new FakeTime();
  const { presence, settingsStore, come, go } = await open();
  const saves: number[] = [];
  settingsStore.saveLastSeen = (times) => {
    saves.push(times.size);
    return Promise.resolve();
  };
  const leave = (first: number, count: number) => {
    for (let index = first; index < first + count; index++) {
      const subscriber = new FakeSubscriber({ user: `user${index}` });
      come(subscriber);
      go(subscriber);
    }
  };
  leave(0, 1_200);
  await time.tick(4_000);
  assert.deepEqual(saves, [500, 500, 200]);
  leave(2_000, 700);
  await presence.close();
  assert.deepEqual(saves, [500, 500, 200, 500, 200]);
  assert.equal(time.pending, 0);
});

Deno.test("users who block each other see nothing of each other's presence, and others do", async () => {
  using time = new FakeTime();
  const { store, presence, settings, come, go } = await open();
  await accept(store, directAppend("ana", "cleo"));
  const [ana, ben, cleo] = people();
  await settings.block("ben", "ana");
  for (const each of [cleo, ben, ana]) {
    await settings.load(each.identity.user);
    come(each);
  }
  await turns();
  presence.setAway(ben, true);
  await turns();
  assert.deepEqual([ana, ben, cleo].map(told), [[], [], [["ana", "online"]]]);
  assert.deepEqual(await presence.peersPresent("ana"), [{ user: "cleo", state: "online" }]);
  assert.deepEqual(await presence.peersPresent("ben"), []);
  const hidden = { state: undefined, lastSeenAt: 0 };
  assert.deepEqual([await presence.see("ana", ["ben"]), await presence.see("ben", ["ana"])], [[hidden], [hidden]]);
  assert.deepEqual(await presence.see("cleo", ["ben"]), [{ state: "away", lastSeenAt: 0 }]);
  go(ben);
  await time.tick(10_000);
  assert.deepEqual(await presence.see("ana", ["ben"]), [hidden]);
  await presence.close();
});
