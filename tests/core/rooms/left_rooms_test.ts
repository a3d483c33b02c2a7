import assert from "node:assert/strict";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { FakeSubscriber } from "../../support/servers/test_chat.ts";
import { TestRooms } from "../../support/servers/test_rooms.ts";

const users = ["ana", "ben", "cleo", "dora"];

Deno.test("whoever left or was banned from a private room learns nothing new of it", async () => {
  await using rooms = await TestRooms.open({ users });
  const { chat } = rooms.test;
  const room = await rooms.create("ana", "ops", { isPublic: false });
  for (const user of ["ben", "cleo"]) {
    await rooms.invite("ana", room, user);
    await rooms.join(user, room);
  }
  await rooms.leave("ben", room);
  await rooms.remove("ana", room, "cleo", { ban: true });
  await rooms.update("ana", room, { name: "secret", historyVisible: true });
  await chat.rooms.setTopic({ user: "ana" }, { id: rooms.id(), room, topic: "new plans" });
  for (const user of ["ben", "cleo"]) {
    const { conversations: [listed] } = await chat.conversations(user, { beforePosition: 0, limit: 10 });
    assert.deepEqual(await chat.conversation(user, room), listed);
    const { name, topic, memberCount, historyVisible } = listed.room!;
    assert.deepEqual([name, topic, memberCount, historyVisible], ["ops", "", 0, false]);
    for (
      const attempt of [
        () => rooms.test.send(user, room),
        () => rooms.join(user, room),
        () => chat.rooms.members(user, room, { after: "", limit: 10 }),
        () => rooms.update(user, room, { name: "mine" }),
      ]
    ) assert.doesNotMatch((await rejectsWith("not_found", attempt())).message, /secret|ops|banned/);
  }
  assert.deepEqual(await chat.rooms.list({ query: "", after: "", limit: 10 }), []);
  // Anybody may see a public room.
  await rooms.update("ana", room, { isPublic: true });
  assert.equal((await chat.conversation("ben", room)).room?.topic, "new plans");
  await rooms.update("ana", room, { isPublic: false });
  await rooms.invite("ana", room, "ben");
  assert.equal((await chat.conversation("ben", room)).room?.name, "secret");
});

Deno.test("a ban says nothing to somebody who was never in the room, and neither does its end", async () => {
  await using rooms = await TestRooms.open({ users });
  const { chat } = rooms.test;
  const room = await rooms.create("ana", "ops", { isPublic: false });
  const ben = new FakeSubscriber({ user: "ben" });
  chat.subscribe(ben);
  await rooms.remove("ana", room, "ben", { ban: true });
  const banned = await rejectsWith("not_found", rooms.test.send("ben", room));
  const stranger = await rejectsWith("not_found", rooms.test.send("cleo", room));
  assert.equal(banned.message, stranger.message);
  await rooms.unban("ana", room, "ben");
  await rooms.remove("ana", room, "ben", { ban: true });
  await (await chat.roomKeeper.delete(room)).erased;
  assert.deepEqual([ben.notices, ben.offered], [[], []]);
});

Deno.test("rooms that one left do not count, and empty ones count for thirty days", async () => {
  await using rooms = await TestRooms.open({ users, limits: { maxRoomsPerUser: 2 } });
  const shared = await rooms.create("ana", "shared");
  await rooms.create("ana", "kept");
  await rejectsWith("limit_reached", rooms.create("ana", "more"));
  await rooms.join("ben", shared);
  await rooms.setRole("ana", shared, "ben", "owner");
  await rooms.leave("ana", shared);
  const empty = await rooms.create("ana", "empty");
  await rooms.leave("ana", empty);
  await rejectsWith("limit_reached", rooms.create("ana", "more"));
  rooms.test.clock.advance(30 * 24 * 60 * 60 * 1000);
  await rooms.create("ana", "more");
});
