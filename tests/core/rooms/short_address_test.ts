import assert from "node:assert/strict";
import { parseShortAddress, shortAddress } from "../../../src/core/rooms/short_address.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { sendMessage } from "../../support/servers/send_message.ts";
import { TestRooms } from "../../support/servers/test_rooms.ts";

const room = (start: string, name = "boss") => ({ id: `+${start.padEnd(26, "a")}`, name });

Deno.test("the short address of a room is as long as it has to be to mean no other room of its name", () => {
  const others = [room("k3v7"), room("k3w"), room("k3v", "web")];
  assert.equal(shortAddress(room("k3v")), "#boss+k3v");
  assert.equal(shortAddress(room("k3v"), [room("k3v"), room("k3v", "web"), room("q2x")]), "#boss+k3v");
  assert.equal(shortAddress(room("k3v2"), others), "#boss+k3v2");
});

Deno.test("a short address has a name and the beginning of an id", () => {
  assert.deepEqual(parseShortAddress("#boss+k3v"), { name: "boss", idStart: "+k3v" });
  for (const text of ["#boss", "+k3v", "boss+k3v", "#boss+k3", "#boss+K3V", "#boss+k3v!", "#+k3v", "#boss+k3v+k3v"]) {
    assert.equal(parseShortAddress(text), undefined, text);
  }
});

Deno.test("a short address leads to the room that the user may see, and tells strangers nothing", async () => {
  await using rooms = await TestRooms.open();
  const { chat } = rooms.test;
  const id = await rooms.create("ana", "plans", { isPublic: false });
  const open = await rooms.create("ben", "plans");
  const [short, shortOpen] = [`#plans${id.slice(0, 6)}`, `#plans${open.slice(0, 6)}`];
  assert.equal((await chat.posting.room("ana", short)).id, id);
  assert.equal((await chat.posting.room("cleo", shortOpen)).id, open);
  await rejectsWith("not_found", chat.posting.room("ben", short));
  await rejectsWith("not_found", chat.posting.room("ana", `#plan${id.slice(0, 6)}`));
  await sendMessage(chat, "ana", rooms.test.draft(short, "for few"));
  assert.deepEqual(await rooms.texts("ana", id), ["for few"]);
  await rejectsWith("not_found", chat.posting.room("ben", short));
});

Deno.test("no invitation and no public room changes what the short address of one's own room means", async () => {
  await using rooms = await TestRooms.open();
  const { chat } = rooms.test;
  const create = async (user: string, id: string, isPublic: boolean) =>
    (await chat.rooms.create({ user }, { id, name: "boss", isPublic, historyVisible: false })).room.id;
  const own = await create("ana", "01941f29-7c00-7000-8000-000000000000", false);
  // Ids with which ben's rooms begin like ana's.
  const offered = await create("ben", "01941f29-7c00-7000-8000-00000001cd3f", false);
  const open = await create("ben", "01941f29-7c00-7000-8000-0000000281ea", true);
  const short = "#boss+u4l";
  await rooms.invite("ben", offered, "ana");
  for (const id of [own, offered, open]) assert.equal(id.slice(0, 4), "+u4l");
  await sendMessage(chat, "ana", rooms.test.draft(short, "for few"));
  assert.deepEqual(await rooms.texts("ana", own), ["for few"]);
  await rooms.join("ana", offered);
  const ambiguous = await rejectsWith("invalid_argument", chat.posting.room("ana", short));
  assert.equal(ambiguous.message, '2 rooms begin with "#boss+u4l": write more of the id.');
  await rooms.leave("ana", own);
  await rooms.leave("ana", offered);
  assert.equal((await chat.posting.room("ana", short)).id, open);
});
