import assert from "node:assert/strict";
import { Applier } from "../../src/core/applier.ts";
import { FanOut } from "../../src/core/messages/fan_out.ts";
import type { LogEvent } from "../../src/core/messages/log_event.ts";
import type { Message } from "../../src/core/messages/message.ts";
import { LiveSessions } from "../../src/core/people/live_sessions.ts";
import { StateRevisions } from "../../src/core/people/state_revisions.ts";
import { UserSettings } from "../../src/core/people/user_settings.ts";
import { RoomCache } from "../../src/core/rooms/room_cache.ts";
import { nowhere } from "../support/servers/pending_entries.ts";
import { accept, directAppend, entryAppend, userRecord } from "../support/servers/stored_messages.ts";
import { FakeSubscriber } from "../support/servers/test_chat.ts";
import { TestStore } from "../support/servers/test_store.ts";

const room = `+${"a".repeat(26)}`;
const users = ["ana", "ben", "cleo"];

/** An applier of a process that commits nothing itself: all entries come from the store. */
async function open() {
  const store = TestStore.open();
  for (const user of users) await store.accounts.addUser(userRecord(user));
  const live = new LiveSessions();
  const rooms = new RoomCache(store.rooms);
  const settings: UserSettings = new UserSettings({
    store: store.settings,
    applied: () => applier.applied,
    betweenCommits: (work) => work(),
    isOnline: (user) => live.isOnline(user),
    isUser: () => Promise.resolve(true),
    onChanged() {},
  });
  const done: string[] = [];
  const applier: Applier = new Applier({
    store: store.messages,
    live,
    rooms,
    settings,
    fanOut: new FanOut({ live, visibilityOf: (user, message) => settings.visibilityOf(user, message) }),
    revisions: new StateRevisions(live),
    receipts: { published: ({ position }, members) => void done.push(`published ${position} to ${members}`) },
    presence: {
      introduce: (user, others) => Promise.resolve(void done.push(`introduced ${user} to ${[...others]}`)),
    },
    moves: { moveOwnRead: (_, user, seq) => void done.push(`${user} read ${seq}`) },
    files: { sweep: () => Promise.resolve(void done.push("swept")) },
    isInvolved: (user, room) => room.hasMember(user) || room.inviterOf(user) !== undefined,
  });
  const sessions = new Map<string, FakeSubscriber>();
  for (const user of users) {
    await settings.load(user);
    sessions.set(user, new FakeSubscriber({ user }));
    live.add(sessions.get(user)!);
  }
  const write = (from: string, to: string) => accept(store.messages, directAppend(from, to));
  const inRoom = (sender: string, event?: LogEvent, text = "ops") =>
    accept(store.messages, entryAppend(room, sender, { text, event }));
  const create = () => inRoom("ana", { kind: "room_created", isPublic: true, historyVisible: true });
  /** Applies entries without an origin. @returns the position of each by user, with "?" when it is looked up */
  const apply = (...messages: Message[]): Record<string, string> => {
    applier.apply(messages.map((message) => ({ message, origin: undefined })));
    return Object.fromEntries([...sessions].map(([user, session]) => {
      const offered = session.offered.splice(0).map(({ message }) => `${message.position}`);
      const lookedUp = session.lookedUp.splice(0).map((position) => `${position}?`);
      return [user, [...offered, ...lookedUp].join(" ")];
    }));
  };
  return { store, applier, settings, rooms, sessions, done, write, inRoom, create, apply };
}

Deno.test("entries of another process reach their audience, and give receipts", async () => {
  const { applier, done, write, apply, store } = await open();
  const message = await write("ana", "ben");
  assert.deepEqual(apply(message), { ana: "1", ben: "1", cleo: "" });
  assert.deepEqual(done, ["introduced ana to ana,ben", "ana read 1", "published 1 to ana,ben"]);
  assert.equal(applier.applied, 1);
  const event = { kind: "deleted", target: 1 } as const;
  const deleted = await accept(store.messages, { ...directAppend("ana", "ben"), event });
  apply(deleted);
  assert.deepEqual(done.slice(3), ["published 2 to ana,ben", "swept"]);
});

Deno.test("a batch is applied in one pass, in the order of positions", async () => {
  const { sessions, write, apply, inRoom, create, rooms } = await open();
  await create();
  await rooms.find(room);
  const batch = [await write("ana", "ben"), await inRoom("ben", { kind: "joined" }), await inRoom("ben")];
  const before = sessions.get("ana")!.notices.length;
  assert.deepEqual(apply(...batch), { ana: "2 3 4", ben: "2 3 4", cleo: "" });
  assert.equal(sessions.get("ana")!.notices.length, before);
});

Deno.test("who joins a room is introduced to its members, unless there are too many to see each other's presence", async () => {
  const { store, done, inRoom, create, apply, rooms } = await open();
  apply(await create());
  await rooms.find(room);
  const join = async (user: string) => {
    done.length = 0;
    apply(await inRoom(user, { kind: "joined" }));
    return done.filter((text) => text.startsWith("introduced"));
  };
  for (let number = 2; number <= 99; number++) {
    await store.accounts.addUser(userRecord(`user-${number}`));
    await join(`user-${number}`);
  }
  assert.deepEqual(await join("ben"), ["introduced ben to ana,ben"]);
  assert.deepEqual(await join("cleo"), []);
});

Deno.test("an entry is applied once, and none is applied after a later one", async () => {
  const { applier, write, apply } = await open();
  const [first, second] = [await write("ana", "ben"), await write("ana", "ben")];
  apply(second);
  for (const message of [first, second]) assert.throws(() => applier.apply([{ message, origin: nowhere }]), RangeError);
});

Deno.test("an applier begins at the head of the store", async () => {
  const { store, write } = await open();
  const message = await write("ana", "ben");
  const again = new Applier({ store: store.messages } as unknown as ConstructorParameters<typeof Applier>[0]);
  assert.equal(again.applied, message.position);
});

Deno.test("a change of a room reaches a member who left by it, and notifies a member whom it concerns", async () => {
  const { sessions, inRoom, create, apply, rooms } = await open();
  await create();
  await rooms.find(room);
  assert.deepEqual(apply(await inRoom("ben", { kind: "joined" })), { ana: "2", ben: "2", cleo: "" });
  const removed = await inRoom("ana", { kind: "removed", user: "ben", banned: false });
  assert.deepEqual(apply(removed), { ana: "3", ben: "3", cleo: "" });
  assert.deepEqual(apply(await inRoom("ana")), { ana: "4", ben: "", cleo: "" });
  const changes = [...sessions.values()].map(({ notices }) => notices.filter(({ kind }) => kind === "state_changed"));
  assert.deepEqual(changes.map(({ length }) => length), [0, 1, 0]);
});

Deno.test("entries of a room that is not in memory are looked up by all, since only the store knows its members", async () => {
  const { inRoom, create, apply, rooms } = await open();
  assert.deepEqual(apply(await create()), { ana: "1?", ben: "1?", cleo: "1?" });
  assert.equal(rooms.peek(room), undefined);
  await rooms.find(room);
  assert.deepEqual(apply(await inRoom("ana")), { ana: "2", ben: "", cleo: "" });
});

Deno.test("entries from before the state of a room in memory are looked up, and those after it are offered", async () => {
  const { inRoom, create, apply, rooms } = await open();
  const created = await create();
  const before = await inRoom("ana");
  const joined = await inRoom("ben", { kind: "joined" });
  const state = (await rooms.find(room))!;
  // Ben is a member by now, and was none when the message was sent.
  assert.deepEqual(apply(created, before, joined), { ana: "1? 2? 3?", ben: "1? 2? 3?", cleo: "1? 2? 3?" });
  assert.deepEqual([...state.roles.keys()], ["ana", "ben"]);
  assert.deepEqual(apply(await inRoom("ana")), { ana: "4", ben: "4", cleo: "" });
});

Deno.test("entries from before the settings of a user were read are looked up by a user who blocked others", async () => {
  const { settings, write, apply } = await open();
  await settings.block("ben", "cleo");
  const first = await write("cleo", "ben");
  // As after a restart: who was blocked from which position on is in the store alone.
  settings.rename("ben", "nobody");
  await settings.load("ben");
  assert.deepEqual(apply(first), { ana: "", ben: "1?", cleo: "1" });
  assert.deepEqual(apply(await write("cleo", "ben")), { ana: "", ben: "", cleo: "2" });
  assert.deepEqual(apply(await write("ana", "ben")), { ana: "3", ben: "3", cleo: "" });
});

Deno.test("entries are looked up by a user whose settings are not in memory", async () => {
  const { settings, write, apply } = await open();
  settings.rename("ben", "nobody");
  assert.deepEqual(apply(await write("ana", "ben")), { ana: "1", ben: "1?", cleo: "" });
});
