import assert from "node:assert/strict";
import { KnownUsers } from "../../../src/core/accounts/known_users.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import type { DiskQuota } from "../../../src/core/files/disk_quota.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { PlainBatch } from "../../../src/core/messages/plain_batch.ts";
import { type LaneBatch, type LaneRequest, type LaneRoute, PlainLane } from "../../../src/core/messages/plain_lane.ts";
import { RoomCache } from "../../../src/core/rooms/room_cache.ts";
import { inFrame } from "../../support/lane/plain_batches.ts";
import { FakeSubscriber } from "../../support/servers/test_chat.ts";
import { TestRooms } from "../../support/servers/test_rooms.ts";

async function open() {
  const rooms = await TestRooms.open({ users: ["ana", "ben"] });
  const { test } = rooms;
  const room = await rooms.create("ana", "ops");
  const cache = new RoomCache(test.store.rooms);
  const known = new KnownUsers(test.accounts);
  const taken: LaneRequest[] = [];
  const changeable = { refusal: undefined as ChatError | undefined, takesAll: true, empty: "" };
  const lane = new PlainLane({
    known,
    settings: { takesAll: () => changeable.takesAll },
    rooms: cache,
    disk: { refusal: () => changeable.refusal } as DiskQuota,
    clock: test.clock,
    commits: {
      addPlain(request) {
        taken.push(request);
        return true;
      },
    },
    hasEntries: (conversation) => conversation !== changeable.empty,
    apply() {},
  });
  const ana = new FakeSubscriber({ user: "ana" });
  const add = (route: LaneRoute) => {
    const session = { onStored() {}, resubmit() {}, onFailed() {} };
    return lane.add({ route, session, requestId: 1, ...inFrame(createMessageId(test.clock.now()), "hello") });
  };
  const find = (to: string) => lane.findRoute(ana, to);
  const batch = (route: LaneRoute) => {
    const made: LaneBatch = new PlainBatch();
    assert.equal(add(route), true);
    made.add(taken.at(-1)!, test.clock.now());
    return made;
  };
  return {
    lane,
    batch,
    ana,
    add,
    find,
    cache,
    known,
    changeable,
    room,
    taken,
    [Symbol.asyncDispose]: () => rooms.test.close(),
  };
}

Deno.test("there is a route to a user while memory knows that the user accepts all senders", async () => {
  await using lane = await open();
  const { add, find, known, changeable } = lane;
  assert.equal(find("ben"), undefined);
  await known.has("ben");
  changeable.empty = "ana:ben";
  assert.equal(find("ben"), undefined);
  changeable.empty = "";
  const route = find("ben")!;
  assert.deepEqual([route.conversation, route.members], ["ana:ben", ["ana", "ben"]]);
  assert.equal(add(route), true);
  changeable.takesAll = false;
  assert.equal(find("ben"), undefined);
  assert.equal(add(route), false);
  changeable.takesAll = true;
  known.forget("ben");
  assert.equal(add(route), false);
  for (const address of ["", "Ben", "#", "+x", "eve"]) assert.equal(find(address), undefined);
});

Deno.test("a route to oneself has one member", async () => {
  await using lane = await open();
  await lane.known.has("ana");
  assert.deepEqual(lane.find("ana")!.members, ["ana"]);
});

Deno.test("a route to a room goes on whenever the room is in memory", async () => {
  await using lane = await open();
  const { add, find, cache, room } = lane;
  assert.deepEqual([find(room), find("#ops")], [undefined, undefined]);
  await cache.findPublic("ops");
  const routes = [find(room)!, find("#ops")!];
  cache.reload(room);
  assert.deepEqual(routes.map(add), [false, false]);
  assert.deepEqual([find(room), find("#ops")], [undefined, undefined]);
  await cache.find(room);
  assert.deepEqual(routes.map(add), [true, true]);
});

for (
  const [end, finish] of Object.entries({
    "is on disk": (lane: PlainLane, batch: LaneBatch) => lane.onStored(batch),
    "is submitted again": (lane: PlainLane, batch: LaneBatch) => lane.onReturned(batch),
    "has failed": (lane: PlainLane, batch: LaneBatch) => lane.onFailed(batch, new Error("no disk")),
  })
) {
  Deno.test(`a room is read again once its last plain message ${end}, and takes none until then`, async () => {
    await using opened = await open();
    const { lane, batch, find, add, cache, room } = opened;
    const found = await cache.find(room);
    const route = find(room)!;
    const batches = [batch(route), batch(route)];
    cache.reload(room);
    for (const each of batches) {
      assert.equal(cache.peek(room), found);
      assert.equal(add(route), false);
      finish(lane, each);
    }
    assert.equal(cache.peek(room), undefined);
    assert.notEqual(await cache.find(room), found);
    assert.equal(add(route), true);
  });
}

Deno.test("a message leaves the lane while the disk has no room for it", async () => {
  await using lane = await open();
  const { add, find, known, changeable, taken } = lane;
  await known.has("ben");
  changeable.refusal = new ChatError("storage_full", "The disk is full.");
  assert.equal(add(find("ben")!), false);
  changeable.refusal = undefined;
  assert.equal(add(find("ben")!), true);
  assert.equal(taken.length, 1);
});
