// What happens to a room while something else is being decided, or is on its way to the disk.
import assert from "node:assert/strict";
import { ChatError } from "../../../src/core/chat_error.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { GatedMessageStore } from "../../support/fakes/gated_store.ts";
import { FakeSubscriber, type TestChatOptions } from "../../support/servers/test_chat.ts";
import { TestRooms } from "../../support/servers/test_rooms.ts";
import { turns } from "../../support/waiting/turns.ts";

const users = ["ana", "ben", "cleo", "dora"];

async function openGated(options: TestChatOptions = {}) {
  const store = GatedMessageStore.open();
  return { rooms: await TestRooms.open({ users, store, ...options }), messages: store.messages };
}

Deno.test("who joins and is banned before the joining is on disk writes nothing after the ban", async () => {
  const { rooms, messages } = await openGated();
  await using _ = rooms;
  const room = await rooms.create("ana", "ops");
  const gate = messages.hold();
  const joined = rooms.join("ben", room);
  await gate.begun;
  const banned = rooms.remove("ana", room, "ben", { ban: true });
  await turns(2);
  gate.release();
  await joined;
  const sent = rooms.test.send("ben", room, "too late");
  await banned;
  await rejectsWith("permission_denied", sent);
  assert.deepEqual(await rooms.log("ana", room), ["ana room_created", "ben joined", "ana removed ben"]);
});

Deno.test("who is removed gets all that came before it, also when that was on its way to the disk", async () => {
  const { rooms, messages } = await openGated();
  await using _ = rooms;
  const { chat } = rooms.test;
  const room = await rooms.create("ana", "ops");
  await rooms.join("ben", room);
  const ben = new FakeSubscriber({ user: "ben" });
  chat.subscribe(ben);
  const gate = messages.hold();
  const sent = rooms.test.send("ana", room, "the last thing");
  await gate.begun;
  const removed = rooms.remove("ana", room, "ben");
  await turns(2);
  gate.release();
  await Promise.all([sent, removed]);
  const seen = ben.offered.map(({ message }) => message.event?.kind ?? message.text);
  assert.deepEqual(seen, ["the last thing", "removed"]);
});

Deno.test("who is banned while they are being invited stays banned", async () => {
  await using rooms = await TestRooms.open({ users });
  const room = await rooms.create("ana", "ops");
  const invited = rooms.invite("ana", room, "ben");
  const banned = rooms.remove("ana", room, "ben", { ban: true });
  await Promise.allSettled([invited, banned]);
  await rooms.assertAsStored(room);
  await rejectsWith("permission_denied", rooms.join("ben", room));
});

Deno.test("who joins while they are being invited is a member", async () => {
  const { rooms, messages } = await openGated();
  await using _ = rooms;
  const room = await rooms.create("ana", "ops");
  const gate = messages.hold();
  const joined = rooms.join("ben", room);
  await gate.begun;
  const invited = rooms.invite("ana", room, "ben");
  await turns(2);
  gate.release();
  await joined;
  await rejectsWith("already_exists", invited);
  await rooms.assertAsStored(room);
  await rooms.test.send("ben", room, "here");
});

Deno.test("a ban that is lifted twice at once takes nobody out who came back between", async () => {
  const { rooms, messages } = await openGated();
  await using _ = rooms;
  const room = await rooms.create("ana", "ops");
  await rooms.join("cleo", room);
  await rooms.setRole("ana", room, "cleo", "moderator");
  await rooms.remove("ana", room, "ben", { ban: true });
  const gate = messages.hold();
  const first = rooms.unban("ana", room, "ben");
  await gate.begun;
  const second = rooms.unban("cleo", room, "ben");
  await turns(2);
  gate.release();
  await first;
  await Promise.allSettled([rooms.join("ben", room), second]);
  await rooms.assertAsStored(room);
  await rooms.test.send("ben", room, "here");
});

Deno.test("a moderator does not remove who is being made one", async () => {
  const { rooms, messages } = await openGated();
  await using _ = rooms;
  const room = await rooms.create("ana", "ops");
  for (const user of ["ben", "cleo"]) await rooms.join(user, room);
  await rooms.setRole("ana", room, "ben", "moderator");
  const gate = messages.hold();
  const promoted = rooms.setRole("ana", room, "cleo", "moderator");
  await gate.begun;
  const removed = rooms.remove("ben", room, "cleo");
  await turns(2);
  gate.release();
  await promoted;
  await rejectsWith("permission_denied", removed);
});

Deno.test("two changes of a room at once keep what each of them changed", async () => {
  await using rooms = await TestRooms.open({ users });
  const room = await rooms.create("ana", "ops");
  await Promise.all([rooms.update("ana", room, { isPublic: false }), rooms.update("ana", room, { name: "plans" })]);
  const { room: { name, isPublic } } = await rooms.test.chat.roomKeeper.show(room);
  assert.deepEqual([name, isPublic], ["plans", false]);
});

Deno.test("nobody joins a room by its name that is being made private", async () => {
  const { rooms, messages } = await openGated();
  await using _ = rooms;
  const room = await rooms.create("ana", "ops");
  const gate = messages.hold();
  const hidden = rooms.update("ana", room, { isPublic: false });
  await gate.begun;
  const joined = rooms.join("ben", "#ops");
  await turns(2);
  gate.release();
  await hidden;
  await rejectsWith("not_found", joined);
  assert.deepEqual(await rooms.roles("ana", room), ["ana owner"]);
});

Deno.test("a room that lets fewer members mention all does so from the request on, unless it fails", async () => {
  const { rooms, messages } = await openGated();
  await using _ = rooms;
  const { chat } = rooms.test;
  const room = await rooms.create("ana", "ops");
  await rooms.join("ben", room);
  const isForAll = async ({ position }: { position: number }) =>
    (await chat.messagesAfter("ana", position - 1, { limit: 1, maxBytes: 1_000 })).messages[0].audience === "room";
  assert.equal(await isForAll(await rooms.test.send("ben", room, "@room")), false);
  await rooms.update("ana", room, { mentionAll: "member" });
  assert.equal(await isForAll(await rooms.test.send("ben", room, "@room")), true);
  const gate = messages.hold();
  const narrowed = rooms.update("ana", room, { mentionAll: "owner" });
  await gate.begun;
  const meanwhile = rooms.test.send("ben", room, "@room");
  await turns(2);
  gate.release(new ChatError("storage_full", "The disk is full."));
  await rejectsWith("storage_full", narrowed);
  assert.equal(await isForAll(await meanwhile), false);
  assert.equal(await isForAll(await rooms.test.send("ben", room, "@room")), true);
});

Deno.test("a removal that fails does not undo another one that waits", async () => {
  const { rooms, messages } = await openGated();
  await using _ = rooms;
  const room = await rooms.create("ana", "ops", { isPublic: false });
  for (const user of ["ben", "cleo"]) {
    await rooms.invite("ana", room, user);
    await rooms.join(user, room);
  }
  const gate = messages.hold();
  const left = rooms.leave("ben", room);
  await gate.begun;
  const removed = rooms.remove("ana", room, "cleo");
  await turns(2);
  gate.release(new ChatError("storage_full", "The disk is full."));
  await rejectsWith("storage_full", left);
  const sent = rooms.test.send("cleo", room, "too late");
  await Promise.allSettled([removed, sent]);
  await rejectsWith("not_found", sent);
  await rooms.test.send("ben", room, "still here");
  assert.equal((await rooms.log("ana", room)).includes("cleo too late"), false);
  await rooms.assertAsStored(room);
});

Deno.test("what was decided on an old state of a room is decided again", async () => {
  await using rooms = await TestRooms.open({ users });
  const { chat } = rooms.test;
  const room = await rooms.create("ana", "ops");
  await rooms.join("ben", room);
  await rooms.remove("ana", room, "dora", { ban: true });
  const checked = await chat.posting.check("ben", rooms.test.draft(room, "too late"));
  // Everything about rooms that had to do with her is read from the store again.
  await chat.deletion.delete("dora");
  await rooms.remove("ana", room, "ben");
  await rejectsWith("permission_denied", chat.posting.submit(checked));
});

Deno.test("no more join at once than may be in a room", async () => {
  await using rooms = await TestRooms.open({ users, limits: { maxRoomMembers: 2 } });
  const room = await rooms.create("ana", "ops");
  const joins = await Promise.allSettled(["ben", "cleo", "dora"].map((user) => rooms.join(user, room)));
  assert.equal(joins.filter(({ status }) => status === "fulfilled").length, 1);
  assert.equal((await rooms.roles("ana", room)).length, 2);
});

Deno.test("the only owner does not leave while somebody joins", async () => {
  const { rooms, messages } = await openGated();
  await using _ = rooms;
  const room = await rooms.create("ana", "ops");
  const gate = messages.hold();
  const joined = rooms.join("ben", room);
  await gate.begun;
  const left = rooms.leave("ana", room);
  await turns(2);
  gate.release();
  await joined;
  await rejectsWith("permission_denied", left);
});

Deno.test("who joins a room that everybody left owns it", async () => {
  await using rooms = await TestRooms.open({ users });
  const room = await rooms.create("ana", "ops");
  await rooms.leave("ana", room);
  await Promise.all([rooms.join("ben", room), rooms.join("cleo", room)]);
  assert.deepEqual(await rooms.roles("ana", room), ["ben owner", "cleo member"]);
  await rooms.assertAsStored(room);
});

Deno.test("an invitation can be accepted by who has as many as may be", async () => {
  await using rooms = await TestRooms.open({ users, limits: { maxMemberships: 2 } });
  const [one, two] = [await rooms.create("ana", "one"), await rooms.create("ana", "two")];
  await rooms.join("ben", one);
  await rooms.invite("ana", two, "ben");
  await rooms.join("ben", two);
});

Deno.test("invitations are no memberships, and those that cross are limited for each inviter", async () => {
  await using rooms = await TestRooms.open({ users, limits: { maxMemberships: 25 } });
  const made = await Promise.all(Array.from({ length: 22 }, (_, index) => rooms.create("ana", `room-${index}`)));
  const invited = await Promise.allSettled(made.map((room) => rooms.invite("ana", room, "ben")));
  assert.equal(invited.filter(({ status }) => status === "fulfilled").length, 20);
  const refused = invited.findIndex(({ status }) => status === "rejected");
  await rejectsWith("limit_reached", rooms.invite("ana", made[refused], "ben"));
  await rooms.leave("ben", made[invited.findIndex(({ status }) => status === "fulfilled")]);
  await rooms.invite("ana", made[refused], "ben");
});

Deno.test("nothing gets into a room that the operator deletes meanwhile, and nobody is sent it", async () => {
  const { rooms, messages } = await openGated();
  await using _ = rooms;
  const { chat } = rooms.test;
  const room = await rooms.create("ana", "ops");
  await rooms.join("ben", room);
  const ben = new FakeSubscriber({ user: "ben" });
  chat.subscribe(ben);
  const gate = messages.hold();
  const waiting = [
    rooms.test.send("ana", room, "lost"),
    rooms.join("cleo", room),
    rooms.invite("ana", room, "dora"),
    rooms.test.send("ana", "ben", "kept"),
  ];
  await gate.begun;
  const { erased } = await chat.roomKeeper.delete(room);
  await erased;
  gate.release();
  const results = await Promise.allSettled(waiting);
  const codes = results.map((result) => result.status === "fulfilled" ? "accepted" : result.reason.code);
  assert.deepEqual(codes, ["not_found", "not_found", "not_found", "accepted"]);
  assert.deepEqual(ben.texts, ["kept"]);
  const { conversations } = await chat.conversations("cleo", { beforePosition: 0, limit: 10 });
  assert.deepEqual(conversations, []);
  assert.deepEqual(await rooms.test.store.rooms.roomsOf("dora"), []);
});

Deno.test("a request that made a room does not make it again when the operator deleted that", async () => {
  await using rooms = await TestRooms.open({ users });
  const request = { id: rooms.id(), name: "ops", isPublic: true, historyVisible: false };
  const { room } = await rooms.test.chat.rooms.create({ user: "ana" }, request);
  await (await rooms.test.chat.roomKeeper.delete(room.id)).erased;
  await rejectsWith("message_id_conflict", rooms.test.chat.rooms.create({ user: "ana" }, request));
  await rooms.create("ana", "ops");
});

Deno.test("who made a room and was removed from it learns nothing by making it again", async () => {
  await using rooms = await TestRooms.open({ users });
  const request = { id: rooms.id(), name: "ops", isPublic: false, historyVisible: false };
  const { room } = await rooms.test.chat.rooms.create({ user: "ana" }, request);
  await rooms.invite("ana", room.id, "ben");
  await rooms.join("ben", room.id);
  await rooms.setRole("ana", room.id, "ben", "owner");
  await rooms.remove("ben", room.id, "ana");
  await rooms.update("ben", room.id, { name: "without-ana" });
  const again = await rejectsWith("not_found", rooms.test.chat.rooms.create({ user: "ana" }, request));
  const stranger = await rejectsWith("not_found", rooms.test.send("cleo", room.id));
  assert.equal(again.message, stranger.message);
});

Deno.test("who may not see who is banned does not learn it from refusals", async () => {
  await using rooms = await TestRooms.open({ users: [...users, "eve"] });
  const room = await rooms.create("ana", "ops");
  await rooms.join("ben", room);
  await rooms.remove("ana", room, "cleo", { ban: true });
  const refusals = async (actor: string, whom: string) => {
    const attempts = [
      rooms.unban(actor, room, whom),
      rooms.remove(actor, room, whom),
      rooms.remove(actor, room, whom, { ban: true }),
      rooms.setRole(actor, room, whom, "owner"),
    ];
    const results = await Promise.allSettled(attempts);
    return results.map((result) => result.status === "rejected" && `${result.reason.code} ${result.reason.message}`);
  };
  for (const actor of ["ben", "dora"]) {
    assert.deepEqual(await refusals(actor, "cleo"), await refusals(actor, "eve"));
  }
  const invite = (whom: string) => rejectsWith("permission_denied", rooms.invite("dora", room, whom));
  assert.equal((await invite("cleo")).message, (await invite("ben")).message);
});

Deno.test("who is banned from a full room is told of the ban, and not how many are in it", async () => {
  await using rooms = await TestRooms.open({ users, limits: { maxRoomMembers: 2 } });
  const room = await rooms.create("ana", "ops");
  await rooms.join("ben", room);
  await rooms.remove("ana", room, "cleo", { ban: true });
  await rejectsWith("permission_denied", rooms.join("cleo", room));
});

Deno.test("an account that is deleted while it joins a room is not in it afterwards", async () => {
  const { rooms, messages } = await openGated();
  await using _ = rooms;
  const { chat } = rooms.test;
  const room = await rooms.create("ana", "ops");
  const gate = messages.hold();
  const joined = rooms.join("ben", room);
  await gate.begun;
  const deleted = chat.deletion.delete("ben");
  await turns(2);
  gate.release();
  await Promise.allSettled([joined, deleted]);
  await deleted;
  assert.deepEqual(await rooms.roles("ana", room), ["ana owner"]);
  await rooms.assertAsStored(room);
});

Deno.test("an account that is deleted when it was invited in the store alone has no invitation afterwards", async () => {
  const { rooms, messages } = await openGated();
  await using _ = rooms;
  const room = await rooms.create("ana", "plans", { isPublic: false });
  const gate = messages.hold({ stored: true });
  const invited = rooms.invite("ana", room, "ben");
  await gate.begun;
  const deleted = rooms.test.chat.deletion.delete("ben");
  await turns(10);
  gate.release();
  await Promise.all([invited, deleted]);
  assert.deepEqual(await rooms.roles("ana", room), ["ana owner"]);
  await rooms.assertAsStored(room);
});

Deno.test("an account that joins a room in the store while it is deleted is not in it afterwards", async () => {
  const { rooms, messages } = await openGated();
  await using _ = rooms;
  const { accounts } = rooms.test.store;
  const room = await rooms.create("ana", "ops");
  const { deleteUser } = accounts;
  let joined: Promise<unknown> | undefined;
  accounts.deleteUser = async (...call) => {
    const gate = messages.hold({ stored: true });
    joined = rooms.join("ben", room);
    await gate.begun;
    // Memory learns of the deletion first, and then that ben joined.
    void turns(5).then(() => gate.release());
    return await deleteUser.apply(accounts, call);
  };
  await rooms.test.chat.deletion.delete("ben");
  await joined;
  assert.deepEqual(await rooms.roles("ana", room), ["ana owner"]);
  await rooms.assertAsStored(room);
});

Deno.test("a room that is read in the store before its creation is answered is one room in memory", async () => {
  const { rooms, messages } = await openGated();
  await using _ = rooms;
  const gate = messages.hold({ stored: true });
  const creating = rooms.create("ana", "ops");
  await gate.begun;
  // The store has the room, and memory reads it from there.
  const joining = rooms.join("ben", "#ops");
  await turns(5);
  gate.release();
  const room = await creating;
  await joining;
  assert.deepEqual(await rooms.roles("ana", room), ["ana owner", "ben member"]);
  await rooms.assertAsStored(room);
});

Deno.test("the last to leave a room by deleting their account leaves it to who is joining", async () => {
  const { rooms, messages } = await openGated();
  await using _ = rooms;
  const { chat } = rooms.test;
  const room = await rooms.create("ana", "ops");
  const gate = messages.hold();
  const joined = rooms.join("ben", room);
  await gate.begun;
  const deleted = chat.deletion.delete("ana");
  await turns(2);
  gate.release();
  await Promise.all([joined, deleted]);
  assert.deepEqual(await rooms.roles("ben", room), ["ben owner"]);
});

Deno.test("a change of a room that is sent again has the first result, also when the room changed since", async () => {
  await using rooms = await TestRooms.open({ users });
  const room = await rooms.create("ana", "ops");
  const request = { id: rooms.id(), room, isPublic: false };
  const first = await rooms.test.chat.rooms.update({ user: "ana" }, request);
  await rooms.update("ana", room, { name: "plans", historyVisible: true });
  const again = await rooms.test.chat.rooms.update({ user: "ana" }, request);
  assert.deepEqual([again.seq, again.duplicate], [first.seq, true]);
  const changed = (await rooms.test.chat.roomKeeper.show(room)).room;
  assert.deepEqual([changed.name, changed.isPublic, changed.historyVisible], ["plans", false, true]);
});
