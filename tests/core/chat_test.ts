import assert from "node:assert/strict";
import { createMessageId, messageIdLeadMs, messageIdLifetimeMs } from "../../src/core/messages/message_id.ts";
import { rejectsWith, throwsWith } from "../support/checks/chat_error_assertions.ts";
import { sendMessage } from "../support/servers/send_message.ts";
import { FakeSubscriber, TestChat } from "../support/servers/test_chat.ts";
import { historyRequest } from "../support/servers/wire_values.ts";

Deno.test("send() resolves with what the log says", async () => {
  await using test = await TestChat.open();
  const draft = test.draft("ben");
  const accepted = await sendMessage(test.chat, "ana", draft);
  const acceptedAt = test.clock.now();
  const expected = {
    position: 1,
    conversation: "ana:ben",
    seq: 1,
    acceptedAt,
    duplicate: false,
  };
  assert.deepEqual(accepted, expected);
  assert.equal(test.chat.head, 1);
});

Deno.test("both members of a conversation are offered a message, each session once", async () => {
  await using test = await TestChat.open();
  const [here, there, ben, cleo] = [
    new FakeSubscriber({ user: "ana", deviceId: "d1" }),
    new FakeSubscriber({ user: "ana", deviceId: "d2" }),
    new FakeSubscriber({ user: "ben", deviceId: "d3" }),
    new FakeSubscriber({ user: "cleo", deviceId: "d4" }),
  ];
  for (const each of [here, there, ben, cleo]) test.chat.subscribe(each);
  await Promise.all(["1", "2", "3"].map((text) => sendMessage(test.chat, "ana", test.draft("ben", text), here)));
  for (const each of [here, there, ben]) assert.deepEqual(each.texts, ["1", "2", "3"]);
  assert.deepEqual(cleo.texts, []);
  assert.deepEqual([here, there, ben].map(({ offered }) => offered[0].own), [true, false, false]);
  for (const each of [here, there, ben, cleo]) test.chat.unsubscribe(each);
});

Deno.test("a message to oneself is offered once", async () => {
  await using test = await TestChat.open();
  const ana = new FakeSubscriber({ user: "ana" });
  test.chat.subscribe(ana);
  const { conversation } = await test.send("ana", "ana");
  assert.equal(conversation, "ana:ana");
  assert.equal(ana.offered.length, 1);
  const { messages } = await test.chat.history("ana", historyRequest({ with: "ana", limit: 10 }));
  assert.equal(messages.length, 1);
});

Deno.test("send() returns the first result when an id is sent again, and offers nothing", async () => {
  await using test = await TestChat.open();
  const ben = new FakeSubscriber({ user: "ben" });
  test.chat.subscribe(ben);
  const draft = test.draft("ben");
  const { position, conversation, seq, acceptedAt } = await sendMessage(test.chat, "ana", draft);
  test.clock.advance(60_000);
  const again = await sendMessage(test.chat, "ana", { ...draft, id: draft.id.toUpperCase() });
  assert.deepEqual(again, { position, conversation, seq, acceptedAt, duplicate: true });
  assert.equal(ben.offered.length, 1);
});

Deno.test("an id that is sent twice at once makes one message", async () => {
  await using test = await TestChat.open();
  const draft = test.draft("ben");
  const both = await Promise.all([sendMessage(test.chat, "ana", draft), sendMessage(test.chat, "ana", draft)]);
  assert.deepEqual(both.map(({ position, duplicate }) => [position, duplicate]), [[1, false], [1, true]]);
});

Deno.test("an id that was used for another text or another recipient is a conflict", async () => {
  await using test = await TestChat.open();
  const draft = test.draft("ben");
  await sendMessage(test.chat, "ana", draft);
  await rejectsWith("message_id_conflict", sendMessage(test.chat, "ana", { ...draft, text: "other" }));
  await rejectsWith("message_id_conflict", sendMessage(test.chat, "ana", { ...draft, to: "cleo" }));
  assert.equal((await sendMessage(test.chat, "ben", { ...draft, to: "ana" })).duplicate, false);
});

Deno.test("what was accepted before is told so although it would be refused today", async () => {
  await using test = await TestChat.open();
  const draft = test.draft("ben");
  const { position } = await sendMessage(test.chat, "ana", draft);
  const refusal = (await test.chat.posting.check("ana", test.draft("nobody"))).refusal!;
  const checked = { ...await test.chat.posting.check("ana", draft), refusal };
  const again = await test.chat.posting.submit(checked);
  assert.deepEqual([again.position, again.duplicate], [position, true]);
  await rejectsWith("message_id_conflict", test.chat.posting.submit({ ...checked, text: "other" }));
  await rejectsWith("not_found", test.chat.posting.submit({ ...checked, id: createMessageId(test.clock.now()) }));
  assert.equal(test.chat.head, position);
});

Deno.test("what is refused is looked up after what was sent before it", async () => {
  await using test = await TestChat.open();
  const draft = await test.chat.posting.check("ana", test.draft("ben"));
  const refusal = (await test.chat.posting.check("ana", test.draft("nobody"))).refusal!;
  const [first, again] = await Promise.all([
    test.chat.posting.submit(draft),
    test.chat.posting.submit({ ...draft, refusal }),
  ]);
  assert.deepEqual([first.duplicate, again.duplicate, again.position], [false, true, first.position]);
});

Deno.test("an id of another sender refuses nothing and shows nothing", async () => {
  await using test = await TestChat.open();
  const draft = test.draft("ben");
  await sendMessage(test.chat, "ana", draft);
  await rejectsWith("not_found", sendMessage(test.chat, "cleo", { ...draft, to: "nobody" }));
  assert.equal((await sendMessage(test.chat, "cleo", draft)).duplicate, false);
});

Deno.test("send() names what is wrong with a draft", async () => {
  await using test = await TestChat.open();
  const good = test.draft("ben");
  const at = (time: number) => createMessageId(test.clock.now() + time);
  await rejectsWith("invalid_argument", sendMessage(test.chat, "ana", { ...good, id: "1" }));
  await rejectsWith("invalid_argument", sendMessage(test.chat, "ana", { ...good, text: "" }));
  await rejectsWith("invalid_argument", sendMessage(test.chat, "ana", { ...good, text: "\ud83d" }));
  await rejectsWith("invalid_argument", sendMessage(test.chat, "ana", { ...good, to: "Ben" }));
  await rejectsWith("message_id_expired", sendMessage(test.chat, "ana", { ...good, id: at(-messageIdLifetimeMs - 1) }));
  await rejectsWith("message_id_in_future", sendMessage(test.chat, "ana", { ...good, id: at(messageIdLeadMs + 1) }));
  assert.match((await rejectsWith("not_found", test.send("ana", "nobody"))).message, /"nobody"/);
  assert.equal(test.chat.head, 0);
});

Deno.test("somebody who registers after being written to in vain can be written to", async () => {
  await using test = await TestChat.open();
  await rejectsWith("not_found", test.send("ana", "dan"));
  await test.accounts.addUser({ name: "dan", password: "correct horse" });
  assert.equal((await test.send("ana", "dan")).seq, 1);
});

Deno.test("history() shows a user their own conversations only", async () => {
  await using test = await TestChat.open();
  await test.send("ana", "ben", "secret");
  const page = (user: string, other: string) => test.chat.history(user, historyRequest({ with: other, limit: 10 }));
  assert.deepEqual((await page("ben", "ana")).messages.map(({ text }) => text), ["secret"]);
  assert.deepEqual((await page("cleo", "ana")).messages, []);
  await rejectsWith("not_found", page("cleo", "nobody"));
  await rejectsWith("invalid_argument", page("cleo", "ana:ben"));
});

Deno.test("a full disk refuses messages until there is room, and loses none", async () => {
  await using test = await TestChat.open();
  await test.send("ana", "ben", "1");
  test.store.messages.commitError = new Error("unexpected");
  await assert.rejects(test.send("ana", "ben", "2"), /unexpected/);
  test.store.messages.commitError = undefined;
  assert.equal((await test.send("ana", "ben", "3")).seq, 2);
});

Deno.test("admit() is generous once, then as its rate says, to each user", async () => {
  await using test = await TestChat.open({ rate: { perSecond: 2, burst: 3 } });
  for (let request = 0; request < 3; request++) test.chat.admit("ana");
  assert.equal(throwsWith("rate_limited", () => test.chat.admit("ana")).retryAfterMs, 500);
  test.chat.admit("ben");
  test.clock.advance(500);
  test.chat.admit("ana");
  throwsWith("rate_limited", () => test.chat.admit("ana"));
});

Deno.test("a consumer resumes after what it acknowledged, committed or not", async () => {
  await using test = await TestChat.open();
  const identity = await test.identify("ben");
  assert.equal(await test.chat.openConsumer(identity, "ui"), 0);
  await test.send("ana", "ben");
  const ben = new FakeSubscriber(identity);
  test.chat.acknowledge(ben, 1);
  assert.equal(await test.chat.openConsumer(identity, "ui"), 1);
  await test.send("ana", "ben");
  assert.equal(await test.chat.openConsumer(identity, "ui"), 1);
  assert.equal(await test.chat.openConsumer(identity, "tail"), 2);
});

Deno.test("a device has at most 32 consumers", async () => {
  await using test = await TestChat.open();
  const identity = await test.identify("ana");
  for (let index = 0; index < 32; index++) await test.chat.openConsumer(identity, `c${index}`);
  const error = await rejectsWith("limit_reached", test.chat.openConsumer(identity, "one-more"));
  assert.match(error.message, /"one-more".*32/);
  await test.chat.openConsumer(identity, "c31");
  await test.chat.openConsumer(await test.identify("ana"), "one-more");
});

Deno.test("a revoked token ends its sessions at once", async () => {
  await using test = await TestChat.open();
  const identity = await test.identify("ana");
  const [own, other] = [new FakeSubscriber(identity), new FakeSubscriber({ user: "ana", deviceId: "another" })];
  test.chat.subscribe(own);
  test.chat.subscribe(other);
  await test.accounts.logOut(identity);
  assert.deepEqual([own.ended?.code, other.ended?.code], ["token_revoked", undefined]);
  await test.accounts.disable("ana");
  assert.equal(other.ended?.code, "token_revoked");
});

Deno.test("endSessions() ends all sessions and lets none begin", async () => {
  await using test = await TestChat.open();
  const ana = new FakeSubscriber({ user: "ana" });
  test.chat.subscribe(ana);
  test.chat.endSessions();
  assert.equal(ana.ended?.code, "unavailable");
  throwsWith("unavailable", () => test.chat.subscribe(new FakeSubscriber({ user: "ben" })));
});

Deno.test("close() commits what waits", async () => {
  const test = await TestChat.open();
  const draft = await test.chat.posting.check("ana", test.draft("ben"));
  const sent = test.chat.posting.submit(draft);
  await test.close();
  assert.equal((await sent).seq, 1);
});
