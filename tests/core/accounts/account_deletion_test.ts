import assert from "node:assert/strict";
import { silentLog } from "../../../src/core/log.ts";
import { Erasure } from "../../../src/core/messages/erasure.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { sendMessage } from "../../support/servers/send_message.ts";
import { password, TestChat } from "../../support/servers/test_chat.ts";
import { TestRooms } from "../../support/servers/test_rooms.ts";

const everything = { beforeSeq: 0, afterSeq: 0, fromMs: 0, events: true, limit: 200 };

async function createRoom({ chat, clock }: TestChat, user: string): Promise<string> {
  const request = { id: createMessageId(clock.now()), name: "ops", isPublic: true, historyVisible: true };
  return (await chat.rooms.create({ user }, request)).room.id;
}

function id({ clock }: TestChat): string {
  return createMessageId(clock.now());
}

/** Blanks what there is to blank; no file or index holds any of it. */
async function erase({ store }: TestChat): Promise<void> {
  const erasure = new Erasure({ store: store.erasure, rooms: store.rooms, log: silentLog, onErased: () => {} });
  await erasure.run();
  await erasure.close();
}

Deno.test("an account is deleted only with its password", async () => {
  const test = await TestChat.open({ users: ["ana", "ben"] });
  const { chat, accounts } = test;
  const { token } = await accounts.logIn({ user: "ana", password, deviceName: "", deviceId: "", address: "a" });
  const identity = await accounts.authenticate(token);
  await rejectsWith("permission_denied", chat.deletion.deleteOwn(identity, "wrong password"));
  assert.equal((await accounts.authenticate(token)).user, "ana");
  await chat.deletion.deleteOwn(identity, password);
  await rejectsWith("unauthenticated", accounts.authenticate(token));
  await test.close();
});

Deno.test("messages of a deleted account stay, from a made-up name", async () => {
  const test = await TestChat.open({ users: ["ana", "ben"] });
  const { chat } = test;
  await sendMessage(chat, "ana", { to: "ben", id: id(test), text: "hello" });
  await sendMessage(chat, "ben", { to: "ana", id: id(test), text: "hi" });
  await chat.deletion.delete("ana");
  const { conversations: [{ conversation }] } = await chat.conversations("ben", { beforePosition: 0, limit: 10 });
  const [, alias] = /^ben:(deleted\.[a-z2-7]{8})$/.exec(conversation) ?? [];
  const { messages } = await chat.history("ben", { ...everything, with: alias });
  assert.deepEqual(messages.map(({ sender, text }) => [sender, text]), [[alias, "hello"], ["ben", "hi"]]);
  await rejectsWith("not_found", chat.history("ben", { ...everything, with: "ana" }));
  await rejectsWith("not_found", sendMessage(chat, "ben", { to: "ana", id: id(test), text: "there?" }));
  await rejectsWith("permission_denied", sendMessage(chat, "ben", { to: alias, id: id(test), text: "there?" }));
  await test.close();
});

Deno.test("with erase, nothing that they wrote is left", async () => {
  const test = await TestChat.open({ users: ["ana", "ben"], deletedAccounts: "erase" });
  const { chat } = test;
  for (let count = 0; count < 600; count++) {
    await sendMessage(chat, "ana", { to: "ben", id: id(test), text: `secret ${count}` });
  }
  await sendMessage(chat, "ben", { to: "ana", id: id(test), text: "mine" });
  await chat.deletion.delete("ana");
  await erase(test);
  const { conversations: [{ conversation }] } = await chat.conversations("ben", { beforePosition: 0, limit: 10 });
  const alias = conversation.replace("ben:", "");
  for (let beforeSeq = 0, more = true; more;) {
    const page = await chat.history("ben", { ...everything, with: alias, beforeSeq });
    for (const { sender, text, deleted } of page.messages) {
      assert.deepEqual([text, deleted], sender === "ben" ? ["mine", undefined] : ["", true]);
    }
    ({ more, firstSeq: beforeSeq } = page);
  }
  await test.close();
});

Deno.test("with erase, what they wrote is unread no more, and names no one", async () => {
  const test = await TestChat.open({ users: ["ana", "ben"], deletedAccounts: "erase" });
  const { chat } = test;
  const room = await createRoom(test, "ana");
  await chat.rooms.join({ user: "ben" }, { id: id(test), room });
  for (const text of ["@ben", "@room", "@room and @ben"]) await test.send("ana", room, text);
  const counts = async () => {
    const { conversations } = await chat.conversations("ben", { beforePosition: 0, limit: 10 });
    return conversations.map(({ unread, mentions }) => [unread, mentions]);
  };
  assert.deepEqual(await counts(), [[3, 3]]);
  await chat.deletion.delete("ana");
  await erase(test);
  assert.deepEqual(await counts(), [[0, 0]]);
  await test.close();
});

Deno.test("a deleted account leaves its rooms, and a room that others are in gets an owner", async () => {
  const test = await TestChat.open({ users: ["ana", "ben", "cleo"] });
  const { chat } = test;
  const room = await createRoom(test, "ana");
  for (const user of ["ben", "cleo"]) await chat.rooms.join({ user }, { id: id(test), room });
  await chat.rooms.setRole({ user: "ana" }, { id: id(test), room, user: "cleo", role: "moderator" });
  await chat.deletion.delete("ana");
  assert.deepEqual(await chat.rooms.members("ben", room, { after: "", limit: 10 }), [
    { user: "ben", role: "member" },
    { user: "cleo", role: "owner" },
  ]);
  const { messages } = await chat.history("ben", { ...everything, with: room });
  assert.deepEqual(messages.slice(-2).map(({ event }) => event?.kind), ["role_changed", "left"]);
  assert.match(messages.at(-1)!.sender, /^deleted\./);
  await test.close();
});

Deno.test("who comes into rooms while their account is deleted is in none afterwards", async () => {
  const test = await TestChat.open({ users: ["ana", "ben"] });
  const { chat, accounts } = test;
  const room = await createRoom(test, "ben");
  const own: string[] = [];
  const deleteUser = accounts.deleteUser.bind(accounts);
  accounts.deleteUser = async (...args) => {
    await chat.rooms.join({ user: "ana" }, { id: id(test), room });
    const request = { id: id(test), name: "mine", isPublic: true, historyVisible: true };
    own.push((await chat.rooms.create({ user: "ana" }, request)).room.id);
    return await deleteUser(...args);
  };
  await chat.deletion.delete("ana");
  assert.deepEqual((await chat.roomKeeper.show(room)).people, [{ user: "ben", role: "owner" }]);
  assert.deepEqual((await chat.roomKeeper.show(own[0])).people, []);
  await chat.rooms.join({ user: "ben" }, { id: id(test), room: own[0] });
  assert.deepEqual((await chat.roomKeeper.show(own[0])).people, [{ user: "ben", role: "owner" }]);
  await test.close();
});

Deno.test("who blocks somebody blocks whoever that is after the account was deleted", async () => {
  await using test = await TestChat.open({ users: ["ana", "ben"] });
  const { chat } = test;
  await test.send("ana", "ben");
  await chat.settings.block("ben", "ana");
  await chat.deletion.delete("ana");
  const { conversations: [{ conversation }] } = await chat.conversations("ben", { beforePosition: 0, limit: 10 });
  const alias = conversation.replace("ben:", "");
  assert.deepEqual(await chat.settings.blocked("ben"), [alias]);
  await chat.settings.unblock("ben", alias);
  assert.deepEqual(await chat.settings.blocked("ben"), []);
});

Deno.test("a deleted account declines its invitations, also to private rooms", async () => {
  await using rooms = await TestRooms.open();
  const invited = [
    await rooms.create("ana", "ops"),
    await rooms.create("ana", "plans", { isPublic: false }),
  ];
  for (const room of invited) await rooms.invite("ana", room, "ben");
  await rooms.test.chat.deletion.delete("ben");
  for (const room of invited) assert.deepEqual(await rooms.roles("ana", room), ["ana owner"]);
});

Deno.test("the last one in a room leaves it too", async () => {
  const test = await TestChat.open({ users: ["ana"] });
  const room = await createRoom(test, "ana");
  await test.chat.deletion.delete("ana");
  assert.equal((await test.chat.roomKeeper.show(room)).room.memberCount, 0);
  await test.close();
});

Deno.test("a room does not remember the name of somebody it banned who is gone", async () => {
  const test = await TestChat.open({ users: ["ana", "ben"] });
  const { chat } = test;
  const room = await createRoom(test, "ana");
  await chat.rooms.remove({ user: "ana" }, { id: id(test), room, user: "ben", ban: true });
  await chat.deletion.delete("ben");
  const [, banned] = await chat.rooms.members("ana", room, { after: "", limit: 10 });
  assert.match(banned.user, /^deleted\./);
  await test.close();
});

Deno.test("nobody can take a made-up name, and the operator deletes only who is there", async () => {
  const test = await TestChat.open({ users: ["ana"] });
  const { chat, accounts } = test;
  await rejectsWith("invalid_argument", accounts.addUser({ name: "deleted.abcdefgh", password }));
  await rejectsWith("not_found", chat.deletion.delete("nobody-here"));
  await chat.deletion.delete("ana");
  await rejectsWith("not_found", chat.deletion.delete("ana"));
  await rejectsWith("already_exists", accounts.addUser({ name: "ana", password }));
  await test.close();
});
