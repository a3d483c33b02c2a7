import assert from "node:assert/strict";
import { ChatError } from "../../../src/core/chat_error.ts";
import type { ConversationSummary } from "../../../src/core/messages/message_store.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { FakeSubscriber } from "../../support/servers/test_chat.ts";
import { TestRooms } from "../../support/servers/test_rooms.ts";

const spammers = Array.from({ length: 6 }, (_, index) => `spam${index}`);

/** All invitations of a user, page by page, the newest first. */
async function invitationsOf(rooms: TestRooms, user: string): Promise<ConversationSummary[]> {
  const found: ConversationSummary[] = [];
  for (let beforePosition = 0, more = true; more;) {
    const page = await rooms.test.chat.conversations(user, { beforePosition, limit: 7 });
    found.push(...page.conversations);
    beforePosition = page.conversations.at(-1)?.position ?? 0;
    more = page.more;
  }
  return found.filter(({ role }) => role === "invited");
}

async function inviteOften(rooms: TestRooms, inviter: string, { user, times }: { user: string; times: number }) {
  for (let index = 0; index < times; index++) {
    const room = await rooms.create(inviter, `${inviter}-${index}`, { isPublic: false });
    await rooms.invite(inviter, room, user);
  }
}

/** All but the first of the spammers invite the user into 99 rooms. */
async function inviteUpTo99(rooms: TestRooms, user: string) {
  await inviteOften(rooms, "spam1", { user, times: 19 });
  for (const spammer of spammers.slice(2)) await inviteOften(rooms, spammer, { user, times: 20 });
}

function changedRooms({ notices }: FakeSubscriber): (string | undefined)[] {
  return notices.flatMap((notice) => notice.kind === "state_changed" ? [notice.conversation] : []);
}

Deno.test("more invitations than memberships allowed keep nobody out of rooms, and are listed newest first", async () => {
  await using rooms = await TestRooms.open({ users: ["ana", "ben", ...spammers], limits: { maxMemberships: 3 } });
  const first = await rooms.create("ana", "first", { isPublic: false });
  await rooms.invite("ana", first, "ben");
  for (const spammer of spammers) await inviteOften(rooms, spammer, { user: "ben", times: 3 });
  await rooms.create("ben", "mine");
  await rooms.join("ben", first);
  const listed = await invitationsOf(rooms, "ben");
  assert.equal(listed.length, 18);
  assert.deepEqual(listed.slice(0, 3).map(({ invitedBy, room }) => [invitedBy, room?.name]), [
    ["spam5", "spam5-2"],
    ["spam5", "spam5-1"],
    ["spam5", "spam5-0"],
  ]);
  await rooms.leave("ben", listed[0].conversation);
  assert.equal((await invitationsOf(rooms, "ben")).length, 17);
});

Deno.test("beyond a hundred open invitations, the oldest are dropped, in memory and on disk", async () => {
  await using rooms = await TestRooms.open({ users: ["ana", "ben", ...spammers] });
  const first = await rooms.create("ana", "first", { isPublic: false });
  await rooms.invite("ana", first, "ben");
  for (const spammer of spammers) await inviteOften(rooms, spammer, { user: "ben", times: 20 });
  const listed = await invitationsOf(rooms, "ben");
  assert.equal(listed.length, 100);
  assert.ok(listed.every(({ invitedBy }) => invitedBy !== "ana" && invitedBy !== "spam0"));
  assert.deepEqual(await rooms.roles("ana", first), ["ana owner"]);
  await rooms.assertAsStored(first);
  await rejectsWith("not_found", rooms.join("ben", first));
  await rooms.invite("ana", first, "ben");
  await rooms.join("ben", first);
});

Deno.test("an invitation that is dropped is told to the sessions of its invitee, unless they block the inviter", async () => {
  await using rooms = await TestRooms.open({ users: ["ana", "ben", "cleo", ...spammers] });
  const { chat } = rooms.test;
  const [first, hidden] = [await rooms.create("ana", "first"), await rooms.create("cleo", "hidden")];
  await rooms.invite("cleo", hidden, "ben");
  await rooms.invite("ana", first, "ben");
  await chat.settings.block("ben", "cleo");
  await inviteUpTo99(rooms, "ben");
  const ben = new FakeSubscriber({ user: "ben" });
  chat.subscribe(ben);
  const last = await rooms.create("spam0", "last");
  await rooms.invite("spam0", last, "ben");
  assert.equal((await invitationsOf(rooms, "ben")).length, 100);
  assert.deepEqual(changedRooms(ben), [last, first]);
  assert.deepEqual(await rooms.roles("cleo", hidden), ["cleo owner"]);
});

Deno.test("an inviter hears nothing of old invitations that cannot be dropped, which the next one drops", async () => {
  await using rooms = await TestRooms.open({ users: ["ana", "ben", ...spammers] });
  const { store } = rooms.test;
  const first = await rooms.create("ana", "first");
  await rooms.invite("ana", first, "ben");
  await inviteUpTo99(rooms, "ben");
  const dropInvitations = store.rooms.dropInvitations;
  store.rooms.dropInvitations = () => Promise.reject(new ChatError("storage_full", "The disk is full."));
  await inviteOften(rooms, "spam0", { user: "ben", times: 1 });
  assert.equal((await invitationsOf(rooms, "ben")).length, 101);
  store.rooms.dropInvitations = dropInvitations;
  await inviteOften(rooms, "ana", { user: "ben", times: 1 });
  assert.equal((await invitationsOf(rooms, "ben")).length, 100);
});

Deno.test("invitations by somebody who is blocked count for nothing, which the inviter cannot see", async () => {
  await using rooms = await TestRooms.open({ users: ["ana", "ben", "cleo", ...spammers] });
  const { chat } = rooms.test;
  const honest = await rooms.create("ana", "honest", { isPublic: false });
  await rooms.invite("ana", honest, "ben");
  for (const spammer of spammers) await chat.settings.block("ben", spammer);
  const ben = new FakeSubscriber({ user: "ben" });
  chat.subscribe(ben);
  for (const spammer of spammers) await inviteOften(rooms, spammer, { user: "ben", times: 20 });
  assert.deepEqual((await invitationsOf(rooms, "ben")).map(({ conversation }) => conversation), [honest]);
  assert.deepEqual(changedRooms(ben), []);

  const room = await rooms.create("cleo", "other", { isPublic: false });
  await chat.settings.block("ben", "cleo");
  ben.notices.splice(0);
  await rooms.invite("cleo", room, "ben");
  assert.equal((await invitationsOf(rooms, "ben")).length, 1);
  assert.deepEqual(await rooms.roles("cleo", room), ["ben invited", "cleo owner"]);
  await rejectsWith("already_exists", rooms.invite("cleo", room, "ben"));
  await rooms.remove("cleo", room, "ben");
  assert.deepEqual(changedRooms(ben), []);
});

Deno.test("an invitation by somebody who is blocked does not hide a room that one was in", async () => {
  await using rooms = await TestRooms.open();
  const { chat } = rooms.test;
  const room = await rooms.create("ana", "ops", { isPublic: false });
  await rooms.invite("ana", room, "ben");
  await rooms.join("ben", room);
  await rooms.leave("ben", room);
  await chat.settings.block("ben", "ana");
  await rooms.update("ana", room, { name: "renamed" });
  await rooms.invite("ana", room, "ben");
  const { conversations } = await chat.conversations("ben", { beforePosition: 0, limit: 10 });
  assert.deepEqual(conversations.map(({ role, room }) => [role, room?.name]), [["left", "ops"]]);
});

Deno.test("whoever is in as many rooms as they may be joins by an invitation when they have left one", async () => {
  await using rooms = await TestRooms.open({ limits: { maxMemberships: 1 } });
  const room = await rooms.create("ana", "ops", { isPublic: false });
  const own = await rooms.create("ben", "own");
  await rooms.invite("ana", room, "ben");
  await rejectsWith("limit_reached", rooms.join("ben", room));
  await rooms.leave("ben", own);
  await rooms.join("ben", room);
});
