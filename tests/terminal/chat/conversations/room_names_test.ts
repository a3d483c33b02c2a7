import assert from "node:assert/strict";
import { RoomNames } from "../../../../src/terminal/chat/conversations/room_names.ts";

Deno.test("a room that a second command opens takes the lines that wait, though the first command failed", async () => {
  const names = new RoomNames({ me: "ana", find: () => Promise.reject(new Error("no")), resolved: () => {} });
  const place = names.place("#ops");
  const id = `+${"k2".repeat(13)}`;
  const room = { conversation: id, address: id };
  names.reserve(place);
  names.reserve(place);
  names.refuse(place);
  names.settle(place, room);
  assert.deepEqual(await names.resolve(place), room);
});
