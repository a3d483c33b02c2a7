import assert from "node:assert/strict";
import type { RoomEvent } from "../../../src/core/messages/log_event.ts";
import type { Message } from "../../../src/core/messages/message.ts";
import type { RoomRecord, RoomStore } from "../../../src/core/rooms/room_store.ts";
import { RoomCache } from "../../../src/core/rooms/room_cache.ts";
import { RoomState } from "../../../src/core/rooms/room_state.ts";

const id = `+${"a".repeat(26)}`;

function record(asOf: number, members: string[]): RoomRecord {
  return {
    id,
    name: "ops",
    topic: "",
    isPublic: true,
    historyVisible: true,
    mentionAll: "moderator",
    createdAt: 0,
    roles: new Map(members.map((user) => [user, "member"])),
    inviters: new Map(),
    firstSeqs: new Map(),
    asOf,
  };
}

/** A store whose reads are answered by the test, in their order. */
class AnsweredStore implements Pick<RoomStore, "findRoom"> {
  readonly #asked: PromiseWithResolvers<RoomRecord | undefined>[] = [];

  findRoom(): Promise<RoomRecord | undefined> {
    const asked = Promise.withResolvers<RoomRecord | undefined>();
    this.#asked.push(asked);
    return asked.promise;
  }

  get waiting(): number {
    return this.#asked.length;
  }

  async answer(record: RoomRecord | undefined): Promise<void> {
    this.#asked.shift()!.resolve(record);
    await Promise.resolve().then(() => {});
  }
}

function open() {
  const store = new AnsweredStore();
  return { store, cache: new RoomCache(store as unknown as RoomStore) };
}

function apply(cache: RoomCache, position: number, { sender, event }: { sender: string; event: RoomEvent }) {
  const text = { id: "", text: "ops", acceptedAt: 0, seq: position, ordinal: 0 };
  const entry: Message = { ...text, conversation: id, position, sender, event };
  return (created?: RoomState) => cache.apply({ sender, event, text: "ops" }, entry, created);
}

const joined = (sender: string) => ({ sender, event: { kind: "joined" } } as const);
const left = (sender: string) => ({ sender, event: { kind: "left" } } as const);

function membersOf(room: RoomState | undefined): string[] {
  return [...room!.roles.keys()].sort();
}

Deno.test("a room has the changes that came while it was read, each once", async () => {
  const { store, cache } = open();
  const found = cache.find(id);
  assert.equal(apply(cache, 5, joined("ben"))(), undefined);
  apply(cache, 6, left("ben"))();
  apply(cache, 7, joined("cleo"))();
  // It was read after the first change, and the answer came late.
  await store.answer(record(5, ["ana", "ben"]));
  assert.deepEqual(membersOf(await found), ["ana", "cleo"]);
  assert.equal(await cache.find(id), await found);
});

Deno.test("a change that a room was read with is not applied again", async () => {
  const { store, cache } = open();
  const found = cache.find(id);
  // Ben joined at 5 and left at 6.
  await store.answer(record(6, ["ana"]));
  const room = await found;
  apply(cache, 5, joined("ben"))();
  assert.deepEqual(membersOf(room), ["ana"]);
  apply(cache, 6, left("ben"))();
  apply(cache, 7, joined("ben"))();
  assert.deepEqual(membersOf(room), ["ana", "ben"]);
});

Deno.test("a room that is created while it is looked for is one object", async () => {
  const { store, cache } = open();
  const found = cache.find(id);
  const created = new RoomState(record(0, []));
  const event = { kind: "room_created", isPublic: true, historyVisible: true } as const;
  assert.equal(apply(cache, 5, { sender: "ana", event })(created), created);
  apply(cache, 6, joined("ben"))();
  await store.answer(record(5, ["ana"]));
  assert.equal(await found, created);
  assert.deepEqual(membersOf(created), ["ana", "ben"]);
});

Deno.test("a room that another node creates while it is looked for is read again", async () => {
  const { store, cache } = open();
  const found = cache.find(id);
  const event = { kind: "room_created", isPublic: true, historyVisible: true } as const;
  apply(cache, 5, { sender: "ana", event })();
  await store.answer(undefined);
  await store.answer(record(5, ["ana"]));
  assert.deepEqual(membersOf(await found), ["ana"]);
});

for (
  const [change, make] of Object.entries({
    "a user is renamed": (cache: RoomCache) => cache.forgetUser("ben"),
    "an invitation is dropped": (cache: RoomCache) => cache.reload(id),
  })
) {
  Deno.test(`a room that is being read while ${change} is read again`, async () => {
    const { store, cache } = open();
    const found = cache.find(id);
    make(cache);
    await store.answer(record(5, ["ana", "ben"]));
    assert.equal(store.waiting, 1);
    await store.answer(record(5, ["ana", "deleted-1"]));
    assert.deepEqual(membersOf(await found), ["ana", "deleted-1"]);
  });
}

Deno.test("a room that is deleted while it is read is not found", async () => {
  const { store, cache } = open();
  const found = cache.find(id);
  cache.forget({ id, name: "ops" });
  await store.answer(record(5, ["ana"]));
  await store.answer(undefined);
  assert.equal(await found, undefined);
  const again = cache.find(id);
  await store.answer(undefined);
  assert.equal(await again, undefined);
});

Deno.test("a room that could not be read is read at the next request", async () => {
  const { store, cache } = open();
  const failing = cache.find(id);
  await store.answer(Promise.reject(new Error("no connection")) as never);
  await assert.rejects(failing, /no connection/);
  const found = cache.find(id);
  await store.answer(record(5, ["ana"]));
  assert.deepEqual(membersOf(await found), ["ana"]);
});

Deno.test("a room that is in use stays in memory, however many others are read", async () => {
  const findRoom = (id: string) => Promise.resolve({ ...record(5, ["ana"]), id });
  const cache = new RoomCache({ findRoom } as unknown as RoomStore);
  const [busy, idle] = ["+busy", "+idle"];
  for (const id of [busy, idle]) await cache.find(id);
  for (let count = 0; count < 5_000; count++) {
    await cache.find(`+${count}`);
    assert.ok(cache.use(busy));
  }
  assert.ok(cache.peek(busy));
  assert.equal(cache.peek(idle), undefined);
  assert.equal(cache.peek("+0"), undefined);
});

Deno.test("a room that has to be read again stays in memory until its entries are committed, but cannot be used", async () => {
  const { store, cache } = open();
  const found = cache.find(id);
  await store.answer(record(5, ["ana"]));
  const room = (await found)!;
  cache.submitted(room);
  cache.reload(id);
  assert.deepEqual([cache.peek(id), cache.use(id)], [room, undefined]);
  cache.settled(room);
  assert.equal(cache.peek(id), undefined);
});

Deno.test("a user who is renamed has only those rooms read again that they are in, or may be in soon", async () => {
  const { store, cache } = open();
  const found = cache.find(id);
  await store.answer(record(5, ["ana"]));
  const room = (await found)!;
  // A message that waits.
  cache.submitted(room);
  cache.forgetUser("ben");
  assert.equal(cache.use(id), room);
  const change = { ...joined("ben"), text: "" };
  cache.submitted(room);
  room.submitted(change);
  cache.forgetUser("ben");
  assert.equal(cache.use(id), undefined);
});
