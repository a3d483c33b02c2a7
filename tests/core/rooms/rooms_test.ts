import assert from "node:assert/strict";
import { ChatError } from "../../../src/core/chat_error.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import type { MemberRole } from "../../../src/core/rooms/room.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { sendMessage } from "../../support/servers/send_message.ts";
import { FakeSubscriber } from "../../support/servers/test_chat.ts";
import { TestRooms } from "../../support/servers/test_rooms.ts";

Deno.test("who made a room owns it, and it is found by its name when it is public", async () => {
  await using rooms = await TestRooms.open();
  const room = await rooms.create("ana", "ops");
  await rooms.create("ana", "plans", { isPublic: false });
  assert.deepEqual(await rooms.roles("ben", "#ops"), ["ana owner"]);
  const listed = await rooms.test.chat.rooms.list({ query: "", after: "", limit: 10 });
  assert.deepEqual(listed.map(({ id, name, memberCount }) => [id, name, memberCount]), [[room, "ops", 1]]);
  await rejectsWith("not_found", rooms.join("ben", "#plans"));
});

Deno.test("public names are unique, private ones are not, and a name that is given up is free", async () => {
  await using rooms = await TestRooms.open();
  const first = await rooms.create("ana", "ops");
  await rejectsWith("already_exists", rooms.create("ben", "ops"));
  const second = await rooms.create("ben", "ops", { isPublic: false });
  await rejectsWith("already_exists", rooms.update("ben", second, { isPublic: true }));
  await rooms.update("ana", first, { name: "ops-old" });
  await rooms.update("ben", second, { isPublic: true });
  assert.equal((await rooms.join("cleo", "#ops")).room.id, second);
  assert.equal((await rooms.join("cleo", "#ops-old")).room.id, first);
});

Deno.test("nothing of somebody comes after their removal, however close together both were sent", async () => {
  await using rooms = await TestRooms.open();
  const { chat } = rooms.test;
  const room = await rooms.create("ana", "ops");
  await rooms.join("ben", room);
  const before = await chat.posting.check("ben", rooms.test.draft(room, "before"));
  const after = await chat.posting.check("ben", rooms.test.draft(room, "after"));
  const sent = chat.posting.submit(before);
  const removed = rooms.remove("ana", room, "ben");
  await Promise.resolve();
  await sent;
  await removed;
  await rejectsWith("permission_denied", chat.posting.submit(after));
  assert.deepEqual(await rooms.texts("ana", room), ["before"]);
  assert.deepEqual(await rooms.texts("ben", room), ["before"]);
});

Deno.test("the operator adds users to private rooms, but neither twice nor past a ban", async () => {
  await using rooms = await TestRooms.open();
  const room = await rooms.create("ana", "plans", { isPublic: false });
  const add = (user: string) =>
    rooms.test.chat.rooms.add({ id: createMessageId(rooms.test.clock.now()), roomId: room, user });
  await add("ben");
  assert.deepEqual(await rooms.roles("ben", room), ["ana owner", "ben member"]);
  await rejectsWith("already_exists", add("ben"));
  await rejectsWith("not_found", add("stranger"));
  await rooms.remove("ana", room, "ben", { ban: true });
  await rejectsWith("permission_denied", add("ben"));
});

Deno.test("the operator sets who may mention all, in the name of the highest member", async () => {
  await using rooms = await TestRooms.open();
  const { chat, clock } = rooms.test;
  const room = await rooms.create("cleo", "plans");
  const set = (mentionAll: MemberRole) =>
    chat.rooms.setMentionAll({ id: createMessageId(clock.now()), roomId: room, mentionAll });
  for (const user of ["ana", "ben"]) await rooms.join(user, room);
  await rooms.setRole("cleo", room, "ben", "owner");
  const posted = await set("owner");
  const entry = (await chat.messagesAfter("ana", posted.position - 1, { limit: 1, maxBytes: 1_000 })).messages[0];
  const event = { kind: "room_changed", isPublic: true, historyVisible: false, mentionAll: "owner", byOperator: true };
  assert.deepEqual([entry.sender, entry.text, entry.event], ["ben", "plans", event]);
  assert.equal((await chat.roomKeeper.show(room)).room.mentionAll, "owner");
  const nowhere = { id: createMessageId(clock.now()), roomId: `+${"a".repeat(26)}`, mentionAll: "owner" } as const;
  await rejectsWith("not_found", chat.rooms.setMentionAll(nowhere));
  for (const user of ["ana", "ben", "cleo"]) await rooms.leave(user, room);
  await rejectsWith("permission_denied", set("member"));
});

Deno.test("a removal that could not be stored did not happen", async () => {
  await using rooms = await TestRooms.open();
  const room = await rooms.create("ana", "ops");
  await rooms.join("ben", room);
  rooms.test.store.messages.commitError = new ChatError("storage_full", "The disk is full.");
  await rejectsWith("storage_full", rooms.remove("ana", room, "ben"));
  await rejectsWith("storage_full", rooms.leave("ben", room));
  await rejectsWith("storage_full", rooms.join("cleo", room));
  rooms.test.store.messages.commitError = undefined;
  await rooms.test.send("ben", room, "still here");
  await rejectsWith("permission_denied", rooms.test.send("cleo", room));
  assert.deepEqual(await rooms.roles("ana", room), ["ana owner", "ben member"]);
});

Deno.test("events go to those who are in the room after them, and a removal to the removed one", async () => {
  await using rooms = await TestRooms.open();
  const room = await rooms.create("ana", "ops", { isPublic: false });
  const [ana, ben, cleo] = ["ana", "ben", "cleo"].map((user) => new FakeSubscriber({ user }));
  for (const subscriber of [ana, ben, cleo]) await rooms.test.chat.subscribe(subscriber);
  await rooms.invite("ana", room, "ben");
  await rooms.join("ben", room);
  await rooms.remove("ana", room, "cleo", { ban: true });
  await rooms.remove("ana", room, "ben");
  await rooms.test.send("ana", room, "alone");
  const kinds = (subscriber: FakeSubscriber) =>
    subscriber.offered.map(({ message }) => message.event?.kind ?? "message");
  assert.deepEqual(kinds(ana), ["invited", "joined", "removed", "removed", "message"]);
  assert.deepEqual(kinds(ben), ["joined", "removed", "removed"]);
  assert.deepEqual(kinds(cleo), []);
});

Deno.test("a room keeps an owner as long as it has members", async () => {
  await using rooms = await TestRooms.open();
  const room = await rooms.create("ana", "ops");
  await rooms.join("ben", room);
  await rejectsWith("permission_denied", rooms.leave("ana", room));
  await rejectsWith("permission_denied", rooms.setRole("ana", room, "ana", "member"));
  await rooms.setRole("ana", room, "ben", "owner");
  await rooms.leave("ana", room);
  await rooms.leave("ben", room);
  assert.deepEqual(await rooms.roles("cleo", room), []);
});

Deno.test("moderators remove members, only owners remove moderators", async () => {
  await using rooms = await TestRooms.open({ users: ["ana", "ben", "cleo", "dora"] });
  const room = await rooms.create("ana", "ops");
  for (const user of ["ben", "cleo", "dora"]) await rooms.join(user, room);
  for (const user of ["ben", "cleo"]) await rooms.setRole("ana", room, user, "moderator");
  await rejectsWith("permission_denied", rooms.remove("ben", room, "cleo"));
  await rejectsWith("permission_denied", rooms.remove("ben", room, "ana"));
  await rejectsWith("permission_denied", rooms.remove("dora", room, "ben"));
  await rejectsWith("invalid_argument", rooms.remove("ana", room, "ana"));
  await rooms.remove("ben", room, "dora");
  await rooms.remove("ana", room, "cleo");
  assert.deepEqual(await rooms.roles("ana", room), ["ana owner", "ben moderator"]);
});

Deno.test("how many rooms one makes, is in, and how many are in one is bounded", async () => {
  const limits = { maxRoomsPerUser: 2, maxMemberships: 3, maxRoomMembers: 2 };
  await using rooms = await TestRooms.open({ limits });
  const [one, two] = [await rooms.create("ana", "one"), await rooms.create("ana", "two")];
  await rejectsWith("limit_reached", rooms.create("ana", "three"));
  await rooms.join("ben", one);
  await rejectsWith("limit_reached", rooms.join("cleo", one));
  await rejectsWith("limit_reached", rooms.invite("ana", one, "cleo"));
  await rooms.join("ben", two);
  await rooms.create("ben", "three");
  const other = await rooms.create("cleo", "four");
  await rejectsWith("limit_reached", rooms.join("ben", other));
  await rooms.leave("ben", one);
  await rooms.join("ben", other);
});

Deno.test("a message that was accepted before its sender was removed is answered the same when it comes again", async () => {
  await using rooms = await TestRooms.open();
  const room = await rooms.create("ana", "ops", { isPublic: false });
  await rooms.invite("ana", room, "ben");
  await rooms.join("ben", room);
  const draft = rooms.test.draft(room, "once");
  const first = await sendMessage(rooms.test.chat, "ben", draft);
  await rooms.remove("ana", room, "ben");
  const again = await sendMessage(rooms.test.chat, "ben", draft);
  assert.deepEqual([again.seq, again.duplicate], [first.seq, true]);
  await rejectsWith("not_found", rooms.test.send("ben", room));
});

Deno.test("members who are named are found in their conversation list", async () => {
  await using rooms = await TestRooms.open();
  const room = await rooms.create("ana", "ops");
  await rooms.join("ben", room);
  await rooms.test.send("ana", room, "hello @ben, and @cleo who is not here");
  await rooms.test.send("ana", room, "all fine");
  const [{ unread, mentions }] =
    (await rooms.test.chat.conversations("ben", { beforePosition: 0, limit: 10 })).conversations;
  assert.deepEqual([unread, mentions], [2, 1]);
});

Deno.test("who is named by an edit is found too, and who is not named any more is not", async () => {
  await using rooms = await TestRooms.open();
  const { chat, clock } = rooms.test;
  const room = await rooms.create("ana", "ops");
  for (const user of ["ben", "cleo"]) await rooms.join(user, room);
  const { seq } = await rooms.test.send("ana", room, "hello @ben");
  const edit = { to: room, seq, id: createMessageId(clock.now()), text: "hello @cleo" };
  await chat.posting.submit(await chat.posting.checkEdit("ana", edit));
  const mentionsOf = async (user: string) => (await chat.conversation(user, room)).mentions;
  assert.deepEqual([await mentionsOf("ben"), await mentionsOf("cleo")], [0, 1]);
});
