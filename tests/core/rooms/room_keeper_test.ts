import assert from "node:assert/strict";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { turns } from "../../support/waiting/turns.ts";
import { TestRooms } from "../../support/servers/test_rooms.ts";

Deno.test("the operator lists all rooms in pages, and sees who is in each, private ones included", async () => {
  await using rooms = await TestRooms.open();
  const { roomKeeper } = rooms.test.chat;
  const secret = await rooms.create("ana", "plans", { isPublic: false });
  const open = await rooms.create("ben", "ops");
  await rooms.invite("ana", secret, "cleo");
  const ids = [secret, open].toSorted();
  const first = await roomKeeper.list({ after: "", limit: 1 });
  const second = await roomKeeper.list({ after: first[0].id, limit: 10 });
  assert.deepEqual([...first, ...second].map(({ id }) => id), ids);
  assert.deepEqual((await roomKeeper.show("#ops")).people, [{ user: "ben", role: "owner" }]);
  assert.deepEqual((await roomKeeper.show(secret)).people, [
    { user: "ana", role: "owner" },
    { user: "cleo", role: "invited" },
  ]);
});

Deno.test("the operator is told of a room that is not there, and of an address that is none", async () => {
  await using rooms = await TestRooms.open();
  const { roomKeeper } = rooms.test.chat;
  const secret = await rooms.create("ana", "plans", { isPublic: false });
  for (const address of ["#nowhere", `+${"a".repeat(26)}`, "#plans"]) {
    const { message } = await rejectsWith("not_found", roomKeeper.show(address));
    assert.match(message, /There is no room .*: list the rooms to see their ids/);
  }
  await rejectsWith("invalid_argument", roomKeeper.show("#No Such Name"));
  await (await roomKeeper.delete(secret)).erased;
  await rejectsWith("not_found", roomKeeper.delete(secret));
});

Deno.test("a room that is read while it is being deleted is gone afterwards", async () => {
  await using rooms = await TestRooms.open();
  const { test } = rooms;
  const room = await rooms.create("ana", "ops");
  const { deleteRoom } = test.store.rooms;
  const disk = Promise.withResolvers<void>();
  test.store.rooms.deleteRoom = async (id) => {
    await disk.promise;
    await deleteRoom.call(test.store.rooms, id);
  };
  const deleting = test.chat.roomKeeper.delete(room);
  await turns();
  assert.deepEqual(await rooms.roles("ana", room), ["ana owner"]);
  disk.resolve();
  await deleting;
  for (const address of [room, "#ops"]) await rejectsWith("not_found", rooms.roles("ana", address));
});
