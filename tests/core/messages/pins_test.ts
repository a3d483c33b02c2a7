import assert from "node:assert/strict";
import { silentLog } from "../../../src/core/log.ts";
import { Erasure } from "../../../src/core/messages/erasure.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { FakeSubscriber, TestChat } from "../../support/servers/test_chat.ts";

async function pin({ chat, clock }: TestChat, user: string, to: string, seq: number, { remove = false } = {}) {
  const request = { to, seq, remove, id: createMessageId(clock.now()) };
  return await chat.posting.submit(await chat.posting.checkPin(user, request));
}

async function pinned({ chat }: TestChat, user: string, address: string): Promise<string[]> {
  const { pins } = await chat.pins(user, { with: address, beforePosition: 0, limit: 50 });
  return pins.map(({ message, user }) => `${message.text} (${user})`);
}

Deno.test("the errors of pins say what happened and what to do", async () => {
  await using test = await TestChat.open();
  for (let count = 1; count <= 51; count++) await test.send("ana", "ben", `message ${count}`);
  await pin(test, "ben", "ana", 1);
  const again = await rejectsWith("already_exists", pin(test, "ana", "ben", 1));
  assert.equal(again.message, "The message is already pinned.");
  const none = await rejectsWith("not_found", pin(test, "ana", "ben", 2, { remove: true }));
  assert.equal(none.message, "The message is not pinned.");
  for (let seq = 2; seq <= 50; seq++) await pin(test, "ana", "ben", seq);
  const full = await rejectsWith("limit_reached", pin(test, "ana", "ben", 51));
  assert.equal(full.message, "The conversation has the maximum number of pinned messages, 50: unpin one.");
  await rejectsWith("not_found", pin(test, "ana", "ben", 60));
});

Deno.test("a recipient who accepts no messages gets no pins either, and those that are may be removed", async () => {
  await using test = await TestChat.open();
  for (const text of ["first", "second"]) await test.send("ana", "ben", text);
  await pin(test, "ana", "ben", 1);
  await test.chat.settings.update("ben", { directMessages: "nobody" });
  assert.match((await rejectsWith("permission_denied", pin(test, "ana", "ben", 2))).message, /^ben accepts /);
  await pin(test, "ana", "ben", 1, { remove: true });
  assert.deepEqual(await pinned(test, "ben", "ana"), []);
});

Deno.test("a pin by a blocked user reaches no session of the blocker, and is not in their list", async () => {
  await using test = await TestChat.open();
  const { seq } = await test.send("ana", "ben", "hello");
  await test.chat.settings.load("ben");
  const ben = new FakeSubscriber({ user: "ben" });
  test.chat.subscribe(ben);
  await test.chat.settings.block("ben", "ana");
  await pin(test, "ana", "ben", seq);
  assert.deepEqual([ben.offered, ben.lookedUp], [[], []]);
  assert.deepEqual(await pinned(test, "ben", "ana"), []);
  assert.deepEqual(await pinned(test, "ana", "ben"), ["hello (ana)"]);
});

Deno.test("with erase, no pin of a deleted account's messages is left, and its pins of others' stay", async () => {
  await using test = await TestChat.open({ deletedAccounts: "erase" });
  const { chat, clock, store } = test;
  const room = { id: createMessageId(clock.now()), name: "ops", isPublic: true, historyVisible: true };
  await chat.rooms.create({ user: "ana" }, room);
  await chat.rooms.join({ user: "ben" }, { id: createMessageId(clock.now()), room: "#ops" });
  const { seq: first } = await test.send("ana", "#ops", "a secret");
  const { seq: second } = await test.send("ben", "#ops", "the rules");
  for (const seq of [first, second]) await pin(test, "ana", "#ops", seq);
  assert.deepEqual(await pinned(test, "ben", "#ops"), ["the rules (ana)", "a secret (ana)"]);
  await chat.deletion.delete("ana");
  const erasure = new Erasure({ store: store.erasure, rooms: store.rooms, log: silentLog, onErased: () => {} });
  await erasure.run();
  await erasure.close();
  const [listed, ...others] = await pinned(test, "ben", "#ops");
  assert.match(listed, /^the rules \(deleted\.[a-z2-7]{8}\)$/);
  assert.deepEqual(others, []);
});
