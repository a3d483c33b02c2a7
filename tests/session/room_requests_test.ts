import assert from "node:assert/strict";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { Role } from "../../src/gen/chatd/v1/chat.ts";
import { TestChat } from "../support/servers/test_chat.ts";
import { TestSession } from "../support/servers/test_session.ts";

/** Opens a session of a new device for each user. */
async function openAll(test: TestChat, ...users: string[]): Promise<TestSession[]> {
  return await Promise.all(users.map(async (user) => TestSession.open(test, (await test.logIn(user)).token)));
}

Deno.test("a session makes a room, lets others in and out, and lists who is there", async () => {
  await using test = await TestChat.open();
  const id = () => createMessageId(test.clock.now());
  const [ana, ben] = await openAll(test, "ana", "ben");
  const request = { id: id(), name: "ops", public: true, historyVisible: true };
  const { room, duplicate } = await ana.ask("createRoom", request);
  assert.deepEqual([room!.name, duplicate], ["ops", false]);
  assert.equal((await ana.ask("createRoom", request)).duplicate, true);
  const joined = await ben.ask("joinRoom", { id: id(), room: "#ops" });
  assert.equal(joined.room!.id, room!.id);
  assert.ok(joined.entry!.seq > 0);
  const page = { room: room!.id, after: "", limit: 0 };
  assert.deepEqual((await ana.ask("listMembers", page)).members, [
    { user: "ana", role: Role.OWNER, online: true, displayName: "", status: "" },
    { user: "ben", role: Role.MEMBER, online: true, displayName: "", status: "" },
  ]);
  await ana.ask("setRole", { id: id(), room: room!.id, user: "ben", role: Role.MODERATOR });
  await ana.ask("inviteMember", { id: id(), room: room!.id, user: "cleo" });
  assert.deepEqual((await ana.ask("listMembers", { ...page, after: "ana" })).members, [
    { user: "ben", role: Role.MODERATOR, online: true, displayName: "", status: "" },
    { user: "cleo", role: Role.INVITED, online: false, displayName: "", status: "" },
  ]);
  assert.equal((await ana.ask("listMembers", { ...page, limit: 1 })).more, true);
});

Deno.test("a session invites, removes, bans and lets back in, and leaves", async () => {
  await using test = await TestChat.open();
  const id = () => createMessageId(test.clock.now());
  const [ana, ben] = await openAll(test, "ana", "ben");
  const { room } = await ana.ask("createRoom", { id: id(), name: "plans", public: false, historyVisible: false });
  const at = { room: room!.id };
  assert.equal(await ben.refusal({ $case: "joinRoom", value: { id: id(), ...at } }), "not_found");
  await ana.ask("inviteMember", { id: id(), ...at, user: "ben" });
  await ben.ask("joinRoom", { id: id(), ...at });
  await ana.ask("removeMember", { id: id(), ...at, user: "ben", ban: true });
  await ana.ask("unbanMember", { id: id(), ...at, user: "ben" });
  await ana.ask("inviteMember", { id: id(), ...at, user: "ben" });
  await ben.ask("joinRoom", { id: id(), ...at });
  const left = await ben.ask("leaveRoom", { id: id(), ...at });
  assert.ok(left.entry!.seq > 0);
  const { members } = await ana.ask("listMembers", { ...at, after: "", limit: 0 });
  assert.deepEqual(members.map(({ user }) => user), ["ana"]);
});

Deno.test("a session changes the name and the topic of a room, which others find in the list", async () => {
  await using test = await TestChat.open();
  const id = () => createMessageId(test.clock.now());
  const [ana, ben] = await openAll(test, "ana", "ben");
  const { room } = await ana.ask("createRoom", { id: id(), name: "ops", public: true, historyVisible: true });
  await ana.ask("createRoom", { id: id(), name: "plans", public: true, historyVisible: true });
  await ana.ask("updateRoom", { id: id(), room: room!.id, name: "operations" });
  await ana.ask("setTopic", { id: id(), room: room!.id, topic: "who is on call" });
  assert.equal(
    await ben.refusal({ $case: "setTopic", value: { id: id(), room: room!.id, topic: "mine" } }),
    "permission_denied",
  );
  const first = await ben.ask("listRooms", { query: "", after: "", limit: 1 });
  assert.deepEqual(first.rooms.map(({ name, topic }) => [name, topic]), [["operations", "who is on call"]]);
  assert.equal(first.more, true);
  const rest = await ben.ask("listRooms", { query: "", after: "operations", limit: 1 });
  assert.deepEqual([rest.rooms.map(({ name }) => name), rest.more], [["plans"], false]);
});
