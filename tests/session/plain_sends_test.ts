import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { PlainBatch } from "../../src/core/messages/plain_batch.ts";
import { ChatError } from "../../src/core/chat_error.ts";
import { ClientFrame } from "../../src/gen/chatd/v1/session.ts";
import { newest } from "../support/servers/wire_values.ts";
import { open, ping, send } from "../support/servers/session_requests.ts";
import type { TestChatOptions } from "../support/servers/test_chat.ts";
import { TestRooms } from "../support/servers/test_rooms.ts";
import { TestMessageStore } from "../support/servers/test_message_store.ts";
import { TestStore } from "../support/servers/test_store.ts";
import type { TestSession } from "../support/servers/test_session.ts";
import { turns, until } from "../support/waiting/turns.ts";

/** Counts the messages that took the lane. */
class WatchedStore extends TestMessageStore {
  plain = 0;
  refuses = false;
  /** The number of batches that were not stored. */
  returned = 0;
  /** Batches wait for it. */
  gate: Promise<void> | undefined;
  /** Answers wait for it. */
  answers: Promise<void> | undefined;

  override async commitPlain(batch: PlainBatch): Promise<boolean> {
    this.plain += batch.count;
    await this.gate;
    const stored = !this.refuses && await super.commitPlain(batch);
    this.returned += Number(!stored);
    await this.answers;
    return stored;
  }
}

async function openChat(options: TestChatOptions = {}) {
  const store = TestStore.openWith((log) => new WatchedStore(log));
  const rooms = await TestRooms.open({ ...options, store });
  const { test } = rooms;
  // A conversation begins outside the lane, and a session knows its user from then on.
  const { users: [sender, ...others] = ["ana", "ben", "cleo"] } = options;
  for (const to of others) await test.send(sender, to, "the first");
  const texts = async (user: string, to: string) => {
    const { messages } = await test.chat.history(user, { ...newest, with: to, limit: 200 });
    return messages.map(({ text }) => text);
  };
  return { rooms, test, store: store.messages, texts, [Symbol.asyncDispose]: () => test.close() };
}

/** The number of messages that take the lane out of one that a session sends now. */
async function countPlain(store: WatchedStore, session: TestSession, request: Parameters<TestSession["request"]>[0]) {
  const before = store.plain;
  const result = await session.reply(session.request(request)[0]);
  return [store.plain - before, result.$case === "error" ? result.value.code : result.$case];
}

Deno.test("a text to a user who accepts all senders takes the lane", async () => {
  await using chat = await openChat();
  const { test, store } = chat;
  const ana = await open(test, "ana");
  assert.deepEqual(await countPlain(store, ana, send(test, "ben")), [1, "send"]);
  assert.deepEqual(await countPlain(store, ana, send(test, "ben", "hello @ben")), [0, "send"]);
  assert.deepEqual(await countPlain(store, ana, send(test, "ben", "x".repeat(8_193))), [0, "send"]);
  assert.deepEqual(await countPlain(store, ana, send(test, "ben", "")), [0, "invalid_argument"]);
  assert.deepEqual(await countPlain(store, ana, send(test, "eve")), [0, "not_found"]);
  await test.chat.settings.update("ben", { directMessages: "nobody" });
  assert.deepEqual(await countPlain(store, ana, send(test, "ben")), [0, "permission_denied"]);
  await test.chat.settings.update("ben", { directMessages: "contacts" });
  assert.deepEqual(await countPlain(store, ana, send(test, "ben")), [0, "permission_denied"]);
  await test.send("ben", "ana");
  assert.deepEqual(await countPlain(store, ana, send(test, "ben")), [0, "send"]);
  await test.chat.settings.update("ben", { directMessages: "anyone" });
  assert.deepEqual(await countPlain(store, ana, send(test, "ben")), [1, "send"]);
});

Deno.test("the first message of a conversation takes the other way, and spoils no batch", async () => {
  await using chat = await openChat({ users: ["ana", "ben", "dan", "eve"] });
  const { test, store } = chat;
  const [ana, dan] = [await open(test, "ana"), await open(test, "dan")];
  for (const user of ["ben", "eve"]) await open(test, user);
  assert.deepEqual(await countPlain(store, dan, send(test, "ben")), [0, "send"]);
  assert.deepEqual(await countPlain(store, dan, send(test, "ben")), [1, "send"]);
  assert.deepEqual(await countPlain(store, dan, send(test, "dan")), [0, "send"]);
  assert.deepEqual(await countPlain(store, dan, send(test, "dan")), [1, "send"]);
  ana.request(send(test, "ben", "1"));
  await dan.reply(dan.request(send(test, "eve", "2"))[0]);
  assert.deepEqual(store.returned, 0);
});

Deno.test("a message to a deleted account leaves the lane, and is refused", async () => {
  await using chat = await openChat();
  const { test, store } = chat;
  const ana = await open(test, "ana");
  assert.deepEqual(await countPlain(store, ana, send(test, "ben")), [1, "send"]);
  await test.chat.deletion.delete("ben");
  assert.deepEqual(await countPlain(store, ana, send(test, "ben")), [0, "not_found"]);
});

Deno.test("an id of another time leaves the lane", async () => {
  await using chat = await openChat();
  const { test, store } = chat;
  const ana = await open(test, "ana");
  const dayMs = 24 * 60 * 60 * 1000;
  const at = (ms: number) => send(test, "ben", "hello", createMessageId(test.clock.now() + ms));
  assert.deepEqual(await countPlain(store, ana, at(dayMs)), [1, "send"]);
  assert.deepEqual(await countPlain(store, ana, at(-dayMs)), [1, "send"]);
  assert.deepEqual(await countPlain(store, ana, at(dayMs + 1)), [0, "message_id_in_future"]);
  assert.deepEqual(await countPlain(store, ana, at(-dayMs - 1)), [0, "send"]);
  assert.deepEqual(await countPlain(store, ana, at(-test.clock.now())), [0, "message_id_expired"]);
});

Deno.test("a text to a room takes the lane while its sender may write there", async () => {
  await using chat = await openChat();
  const { rooms, test, store } = chat;
  const room = await rooms.create("ana", "ops");
  await rooms.join("ben", room);
  const ben = await open(test, "ben");
  assert.deepEqual(await countPlain(store, ben, send(test, room)), [1, "send"]);
  // Memory learns the name from the first one.
  for (const plain of [0, 1]) {
    assert.deepEqual(await countPlain(store, ben, send(test, "#ops")), [plain, "send"]);
  }
  await rooms.update("ana", room, { name: "new" });
  assert.deepEqual(await countPlain(store, ben, send(test, "#ops")), [0, "not_found"]);
  for (const plain of [0, 1]) {
    assert.deepEqual(await countPlain(store, ben, send(test, "#new")), [plain, "send"]);
  }
  await rooms.update("ana", room, { isPublic: false });
  assert.deepEqual(await countPlain(store, ben, send(test, "#new")), [0, "not_found"]);
  assert.deepEqual(await countPlain(store, ben, send(test, room)), [1, "send"]);
  await rooms.remove("ana", room, "ben", { ban: true });
  assert.deepEqual(await countPlain(store, ben, send(test, room)), [0, "not_found"]);
  await rooms.unban("ana", room, "ben");
  await rooms.invite("ana", room, "ben");
  await rooms.join("ben", room);
  assert.deepEqual(await countPlain(store, ben, send(test, room)), [1, "send"]);
});

Deno.test("a message of a session that has ended is submitted again like the others of its batch", async () => {
  await using chat = await openChat();
  const { test, store, texts } = chat;
  const gate = Promise.withResolvers<void>();
  Object.assign(store, { refuses: true, gate: gate.promise });
  const [ana, cleo] = [await open(test, "ana"), await open(test, "cleo")];
  ana.request(send(test, "ben", "1"), send(test, "ben", "2"));
  const [id] = cleo.request(send(test, "ana", "3"));
  await turns(2);
  ana.session.disconnected();
  gate.resolve();
  assert.equal((await cleo.reply(id)).$case, "send");
  assert.deepEqual(await texts("ben", "ana"), ["the first", "1", "2"]);
});

Deno.test("a full disk is reported to each sender of a batch, and later messages are stored", async () => {
  await using chat = await openChat();
  const { test, store, texts } = chat;
  const ana = await open(test, "ana");
  store.commitError = new ChatError("storage_full", "The disk is full.");
  const ids = ana.request(send(test, "ben", "1"), send(test, "cleo", "2"), ping);
  await ana.reply(ids[2]);
  const codes = ids.map((id) => {
    const { result } = ana.replies.find(({ requestId }) => requestId === id)!;
    return result!.$case === "error" ? result!.value.code : result!.$case;
  });
  assert.deepEqual(codes, ["storage_full", "storage_full", "ping"]);
  store.commitError = undefined;
  await ana.ask("ping", {});
  await ana.reply(ana.request(send(test, "ben", "3"))[0]);
  assert.deepEqual(await texts("ben", "ana"), ["the first", "3"]);
});

Deno.test("up to 1024 plain messages are in flight, and the ones above wait in their order, and take the lane, too", async () => {
  await using chat = await openChat();
  const { test, store } = chat;
  const ana = await open(test, "ana");
  const gate = Promise.withResolvers<void>();
  store.gate = gate.promise;
  const ids = ana.request(...Array.from({ length: 1_500 }, (_, index) => send(test, "ben", `${index}`)));
  await turns(3);
  assert.deepEqual([store.plain, ana.ended], [1_024, undefined]);
  gate.resolve();
  await until(() => {
    ana.acknowledge();
    return ana.replies.length === ids.length + 1;
  });
  assert.equal(store.plain, ids.length);
  const positions = ana.replies.slice(1).map(({ requestId, result }) => [
    requestId,
    result!.$case === "send" && result!.value.seq,
  ]);
  assert.deepEqual(positions, ids.map((id, index) => [id, index + 2]));
});

Deno.test("plain messages above the rate wait for their turn, and a message that leaves the lane costs one token", async () => {
  await using chat = await openChat({ rate: { perSecond: 100, burst: 5 } });
  const { test } = chat;
  const ana = await open(test, "ana");
  const answered = () => ana.replies.slice(1).map(({ requestId }) => requestId);
  // Every second one mentions a member, so it leaves the lane.
  const ids = ana.request(...Array.from({ length: 8 }, (_, index) => send(test, "ben", index % 2 ? "@ben" : "hello")));
  await ana.reply(ids[4]);
  await turns(20);
  assert.deepEqual(answered(), ids.slice(0, 5));
  test.clock.advance(20);
  await ana.reply(ids[6]);
  assert.deepEqual(answered(), ids.slice(0, 7));
  test.clock.advance(1_000);
  await ana.reply(ids[7]);
  assert.deepEqual(answered(), ids);
});

Deno.test("messages that are submitted again stay before those that the session sent to a room later", async () => {
  await using chat = await openChat();
  const { rooms, test, store } = chat;
  const room = await rooms.create("ana", "ops");
  await rooms.join("ben", room);
  await rooms.remove("ana", room, "cleo", { ban: true });
  const ben = await open(test, "ben");
  const gate = Promise.withResolvers<void>();
  Object.assign(store, { refuses: true, gate: gate.promise });
  // The room has to be read again while the message waits, because a user in it gets another name.
  const deleting = test.chat.deletion.delete("cleo");
  ben.request(send(test, room, "1"));
  await turns(20);
  const [last] = ben.request(send(test, room, "2 @ana"));
  await turns(20);
  gate.resolve();
  await deleting;
  assert.equal((await ben.reply(last)).$case, "send");
  assert.deepEqual(await rooms.texts("ana", room), ["1", "2 @ana"]);
});

Deno.test("a message that waits for a room is refused when the room is deleted", async () => {
  await using chat = await openChat();
  const { rooms, test, store } = chat;
  const room = await rooms.create("ana", "ops");
  await rooms.join("ben", room);
  const ben = await open(test, "ben");
  const gate = Promise.withResolvers<void>();
  store.gate = gate.promise;
  const [id, other] = ben.request(send(test, room, "1"), send(test, "ana", "2"));
  await turns(2);
  const { erased } = await test.chat.roomKeeper.delete(room);
  gate.resolve();
  await erased;
  const result = await ben.reply(id);
  assert.equal(result.$case === "error" && result.value.code, "not_found");
  assert.equal((await ben.reply(other)).$case, "send");
});

Deno.test("a message goes to the address in its frame, although later frames overwrite it", async () => {
  await using chat = await openChat({ users: ["ana", "ben", "dan"] });
  const { test, store, texts } = chat;
  const ana = await open(test, "ana");
  const frames = ["ben", "dan"].map((to, index) =>
    ClientFrame.encode({ requests: [{ id: 10 + index, kind: send(test, to, `to ${to}`) }] }).finish()
  );
  // A socket's chunk, of which `slice()` makes no copy.
  const chunk = Buffer.from(frames[0]);
  ana.session.receiveEncoded(chunk);
  chunk.set(frames[1]);
  ana.session.receiveEncoded(chunk);
  await ana.reply(11);
  assert.equal(store.plain, 2);
  assert.deepEqual([await texts("ben", "ana"), await texts("dan", "ana")], [["the first", "to ben"], [
    "the first",
    "to dan",
  ]]);
});

Deno.test("a message that is stored when its blocked sender's account is deleted stays hidden", async () => {
  await using chat = await openChat();
  const { test, store } = chat;
  const [ana, ben] = [await open(test, "ana"), await open(test, "ben")];
  await ben.ask("blockUser", { user: "ana", unblock: false });
  const answers = Promise.withResolvers<void>();
  store.answers = answers.promise;
  const { accounts } = test.store;
  const deleteUser = accounts.deleteUser.bind(accounts);
  accounts.deleteUser = async (...args) => {
    ana.request(send(test, "ben", "hidden"));
    const { head } = store;
    await until(() => store.head > head);
    void turns(10).then(answers.resolve);
    return await deleteUser(...args);
  };
  await test.chat.deletion.delete("ana");
  await test.send("cleo", "ben", "the last");
  await until(() => ben.texts.length > 0);
  assert.deepEqual(ben.texts, ["the last"]);
});
