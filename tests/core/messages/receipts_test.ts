import assert from "node:assert/strict";
import type { Notice } from "../../../src/core/people/notice.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";
import { GatedMessageStore } from "../../support/fakes/gated_store.ts";
import { directAppend } from "../../support/servers/stored_messages.ts";
import { FakeSubscriber, TestChat } from "../../support/servers/test_chat.ts";

type Kind = Notice["kind"];
type Told<K extends Kind> = Omit<Extract<Notice, { kind: K }>, "kind">;

/** A session of a user, with everything that it was notified of. */
async function come(test: TestChat, user: string): Promise<FakeSubscriber> {
  const identity = await test.identify(user);
  await test.chat.openConsumer(identity, "ui");
  const subscriber = new FakeSubscriber(identity);
  test.chat.subscribe(subscriber);
  return subscriber;
}

/** Takes the notices of one kind that a session got, without their common fields. */
function take<K extends Kind>(subscriber: FakeSubscriber, kind: K): Told<K>[] {
  const taken = subscriber.notices.filter((notice) => notice.kind === kind);
  subscriber.notices.splice(0, Infinity, ...subscriber.notices.filter((notice) => notice.kind !== kind));
  return taken.map(({ kind: _, ...rest }) => rest as unknown as Told<K>);
}

function read(user: string, readSeq: number) {
  return { conversation: "ana:ben", user, readSeq, deliveredSeq: 0 };
}

/** A time after which all positions are saved and all notices sent. */
const aWhile = 5_000;

Deno.test("a read position goes to the peer of a direct conversation and to all sessions of the reader", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const [ana, phone, ben, cleo] = [
    await come(test, "ana"),
    await come(test, "ana"),
    await come(test, "ben"),
    await come(test, "cleo"),
  ];
  for (const text of ["1", "2", "3"]) await test.send("ben", "ana", text);
  await test.chat.read("ana", { with: "ben", seq: 1 });
  await test.chat.read("ana", { with: "ben", seq: 3 });
  await test.chat.read("ana", { with: "ben", seq: 2 });
  assert.deepEqual(take(ben, "receipt"), []);
  await time.tick(aWhile);
  for (const each of [ana, phone, ben]) assert.deepEqual(take(each, "receipt"), [read("ana", 3)]);
  assert.deepEqual(take(cleo, "receipt"), []);
  assert.equal((await test.chat.conversation("ana", "ben")).readSeq, 3);
  assert.equal((await test.chat.conversation("ben", "ana")).peerReadSeq, 3);
});

Deno.test("a read position moves neither back nor beyond the head", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const ben = await come(test, "ben");
  for (const text of ["1", "2"]) await test.send("ben", "ana", text);
  await test.chat.read("ana", { with: "ben", seq: Number.MAX_SAFE_INTEGER });
  await time.tick(aWhile);
  assert.deepEqual(take(ben, "receipt"), [read("ana", 2)]);
  for (const seq of [1, 2, 3]) await test.chat.read("ana", { with: "ben", seq });
  await time.tick(aWhile);
  assert.deepEqual(take(ben, "receipt"), []);
  await test.send("ben", "ana", "3");
  await test.chat.read("ana", { with: "ben", seq: 3 });
  await time.tick(aWhile);
  assert.deepEqual(take(ben, "receipt"), [read("ana", 3)]);
});

Deno.test("a read position that is on its way to the disk is not moved back", async () => {
  using time = new FakeTime();
  const store = GatedMessageStore.open();
  await using test = await TestChat.open({ store });
  const ben = await come(test, "ben");
  for (const text of ["1", "2", "3"]) await test.send("ben", "ana", text);
  const gate = store.messages.hold();
  await test.chat.read("ana", { with: "ben", seq: 3 });
  await time.tick(aWhile);
  await gate.begun;
  await test.chat.read("ana", { with: "ben", seq: 1 });
  gate.release();
  await time.tick(aWhile);
  assert.deepEqual(take(ben, "receipt"), [read("ana", 3)]);
});

Deno.test("a read position that is looked up in the store before its commit is answered is announced", async () => {
  using time = new FakeTime();
  const store = GatedMessageStore.open();
  await using test = await TestChat.open({ store });
  const ben = await come(test, "ben");
  await store.messages.commit([directAppend("ben", "ana")]);
  const gate = store.messages.hold({ stored: true });
  await test.chat.read("ana", { with: "ben", seq: 1 });
  await time.tick(aWhile);
  await gate.begun;
  await test.chat.read("ana", { with: "ben", seq: 1 });
  gate.release();
  await time.tick(aWhile);
  assert.deepEqual(take(ben, "receipt"), [read("ana", 1)]);
});

Deno.test("an entry that comes while a conversation is looked up can be read", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const ben = await come(test, "ben");
  await test.store.messages.commit([directAppend("ben", "ana")]);
  const { conversationOf } = test.store.messages;
  const answer = Promise.withResolvers<void>();
  test.store.messages.conversationOf = async (...call) => {
    const summary = await conversationOf.apply(test.store.messages, call);
    await answer.promise;
    return summary;
  };
  const reading = test.chat.read("ana", { with: "ben", seq: 2 });
  await test.send("ben", "ana");
  answer.resolve();
  await reading;
  await time.tick(aWhile);
  assert.deepEqual(take(ben, "receipt"), [read("ana", 2)]);
});

Deno.test("a read position that could not be saved is not sent, and may be set again", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const ben = await come(test, "ben");
  await test.send("ben", "ana");
  test.store.messages.commitError = new Error("the disk is full");
  await test.chat.read("ana", { with: "ben", seq: 1 });
  await time.tick(aWhile);
  test.store.messages.commitError = undefined;
  assert.deepEqual(take(ben, "receipt"), []);
  await test.chat.read("ana", { with: "ben", seq: 1 });
  await time.tick(aWhile);
  assert.deepEqual(take(ben, "receipt"), [read("ana", 1)]);
});

Deno.test("without read receipts, positions stay on the user's own devices", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const [ana, ben] = [await come(test, "ana"), await come(test, "ben")];
  await test.chat.settings.update("ana", { readReceipts: false });
  await test.send("ana", "ben");
  await test.send("ben", "ana");
  await test.chat.read("ana", { with: "ben", seq: 2 });
  await test.chat.read("ben", { with: "ana", seq: 2 });
  test.chat.acknowledge(ana, test.chat.head);
  test.chat.acknowledge(ben, test.chat.head);
  await time.tick(aWhile);
  assert.deepEqual(take(ana, "receipt"), [read("ana", 2)]);
  assert.deepEqual(take(ben, "receipt"), [read("ben", 2)]);
  assert.equal((await test.chat.conversation("ana", "ben")).peerReadSeq, 0);
  assert.equal((await test.chat.conversation("ben", "ana")).peerReadSeq, 0);
  assert.deepEqual(await test.chat.readersOf("ana", { with: "ben", seq: 1 }), { users: [], count: 0 });
  assert.deepEqual(await test.chat.readersOf("ben", { with: "ana", seq: 2 }), { users: [], count: 0 });
});

Deno.test("users who blocked each other get no receipts of each other", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const [ana, ben] = [await come(test, "ana"), await come(test, "ben")];
  await test.send("ana", "ben");
  await test.send("ben", "ana");
  await test.chat.settings.block("ana", "ben");
  await test.chat.read("ana", { with: "ben", seq: 2 });
  await test.chat.read("ben", { with: "ana", seq: 2 });
  await time.tick(aWhile);
  assert.deepEqual(take(ana, "receipt"), [read("ana", 2)]);
  assert.deepEqual(take(ben, "receipt"), [read("ben", 2)]);
  assert.deepEqual(await test.chat.readersOf("ben", { with: "ana", seq: 2 }), { users: [], count: 0 });
});

Deno.test("a sender is notified of a delivery once, from the live stream or the store", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const ana = await come(test, "ana");
  const positions: number[] = [];
  const send = async () => void positions.push((await test.send("ana", "ben")).position);
  const delivered = (deliveredSeq: number) => ({ conversation: "ana:ben", user: "ben", readSeq: 0, deliveredSeq });
  await send();
  // Messages that waited for ben are read from the store for his session.
  const ben = await come(test, "ben");
  await test.chat.messagesAfter("ben", 0, { limit: 10, maxBytes: 1_000 });
  for (let count = 0; count < 3; count++) await send();
  test.chat.acknowledge(ben, positions[0]);
  await time.tick(aWhile);
  assert.deepEqual(take(ana, "receipt"), [delivered(1)]);
  test.chat.acknowledge(ben, positions[1]);
  test.chat.acknowledge(ben, positions[2]);
  await time.tick(aWhile);
  assert.deepEqual(take(ana, "receipt"), [delivered(3)]);
  // Another device of ben receives it later.
  const phone = await come(test, "ben");
  await test.chat.messagesAfter("ben", 0, { limit: 10, maxBytes: 1_000 });
  test.chat.acknowledge(phone, positions[2]);
  await time.tick(aWhile);
  assert.deepEqual(take(ana, "receipt"), []);
  test.chat.acknowledge(phone, positions[3]);
  await time.tick(aWhile);
  assert.deepEqual(take(ana, "receipt"), [delivered(4)]);
  assert.deepEqual(take(ben, "receipt"), []);
});

Deno.test("one acknowledgement notifies each sender of the newest delivery in their conversation", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open({ users: ["ana", "ben", "cleo"] });
  const [ana, cleo, ben] = [await come(test, "ana"), await come(test, "cleo"), await come(test, "ben")];
  for (const sender of ["ana", "ana", "cleo", "ana", "cleo"]) await test.send(sender, "ben");
  const { position } = await test.send("cleo", "ben");
  test.chat.acknowledge(ben, position - 1);
  await time.tick(aWhile);
  const delivered = (conversation: string, deliveredSeq: number) => [
    { conversation, user: "ben", readSeq: 0, deliveredSeq },
  ];
  assert.deepEqual(take(ana, "receipt"), delivered("ana:ben", 3));
  assert.deepEqual(take(cleo, "receipt"), delivered("ben:cleo", 2));
  test.chat.acknowledge(ben, position);
  await time.tick(aWhile);
  assert.deepEqual(take(cleo, "receipt"), delivered("ben:cleo", 3));
});

/** A room of ana, ben and cleo. */
async function openRoom(test: TestChat): Promise<string> {
  const id = () => test.draft("ana").id;
  const { room } = await test.chat.rooms.create({ user: "ana" }, {
    id: id(),
    name: "ops",
    isPublic: true,
    historyVisible: true,
  });
  for (const user of ["ben", "cleo"]) await test.chat.rooms.join({ user }, { id: id(), room: "#ops" });
  return room.id;
}

Deno.test("members of a room are notified of the number of readers, at most once a second", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const room = await openRoom(test);
  const ana = await come(test, "ana");
  const { seq } = await test.send("ana", "#ops");
  await time.tick(aWhile);
  take(ana, "room_receipts");
  let asked = 0;
  const readPositions = test.store.rooms.readPositions.bind(test.store.rooms);
  test.store.rooms.readPositions = (...call) => {
    asked++;
    return readPositions(...call);
  };
  await test.chat.read("ben", { with: "#ops", seq: seq - 1 });
  await test.chat.read("cleo", { with: room, seq });
  await time.tick(aWhile);
  const [{ conversation, counts }, ...more] = take(ana, "room_receipts");
  assert.deepEqual([conversation, more, asked], [room, [], 1]);
  const readers = (from: number) => counts.findLast((each) => each.seq >= from)?.readers;
  // Ana, who wrote it, has read it too.
  assert.deepEqual([readers(seq), readers(seq - 1)], [2, 3]);
  assert.deepEqual(take(ana, "receipt"), []);
  assert.deepEqual(await test.chat.readersOf("ana", { with: "#ops", seq }), { users: ["cleo"], count: 1 });
  assert.deepEqual(await test.chat.readersOf("cleo", { with: "#ops", seq: seq - 1 }), {
    users: ["ana", "ben"],
    count: 2,
  });
});

Deno.test("users who blocked each other do not see each other among the readers in a room", async () => {
  await using test = await TestChat.open({ users: ["ana", "ben", "cleo", "dan"] });
  const conversation = await openRoom(test);
  const { seq } = await test.send("cleo", "#ops");
  const read = (user: string) => ({ kind: "move_read", conversation, user, seq }) as const;
  await test.store.messages.commit([read("ana"), read("ben")]);
  const readers = (asker: string) => test.chat.readersOf(asker, { with: "#ops", seq });
  assert.deepEqual(await readers("ben"), { users: ["ana", "ben"], count: 2 });
  await test.chat.settings.block("ana", "ben");
  assert.deepEqual(await readers("ben"), { users: ["ben"], count: 1 });
  assert.deepEqual(await readers("ana"), { users: ["ana"], count: 1 });
  assert.deepEqual(await readers("cleo"), { users: ["ana", "ben"], count: 2 });
  await test.chat.settings.unblock("ana", "ben");
  assert.deepEqual(await readers("ben"), { users: ["ana", "ben"], count: 2 });
});

Deno.test("readers are not counted in a room without sessions", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open({ users: ["ana", "ben", "cleo", "dan"] });
  await openRoom(test);
  const [ana, dan] = [await come(test, "ana"), await come(test, "dan")];
  await test.chat.settings.update("ana", { readReceipts: false });
  const { seq } = await test.send("cleo", "#ops");
  test.store.rooms.readPositions = () => assert.fail("the store was asked");
  await test.chat.read("ben", { with: "#ops", seq });
  await time.tick(aWhile);
  assert.deepEqual([ana, dan].map((each) => take(each, "room_receipts")), [[], []]);
});

Deno.test("only members of a room may set a read position and list readers", async () => {
  await using test = await TestChat.open({ users: ["ana", "ben", "cleo", "dan"] });
  await openRoom(test);
  const { seq } = await test.send("ana", "#ops");
  await rejectsWith("permission_denied", test.chat.read("dan", { with: "#ops", seq }));
  await rejectsWith("permission_denied", test.chat.readersOf("dan", { with: "#ops", seq }));
  await rejectsWith("not_found", test.chat.read("dan", { with: "+" + "a".repeat(26), seq }));
  await rejectsWith("not_found", test.chat.read("ana", { with: "nobody", seq }));
  await rejectsWith("not_found", test.chat.readersOf("ana", { with: "#ops", seq: seq + 1 }));
  await test.chat.read("ana", { with: "dan", seq: 1 });
});

Deno.test("state changes have a rising number for each user, and go to all of their sessions", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const [ana, phone, ben] = [await come(test, "ana"), await come(test, "ana"), await come(test, "ben")];
  const start = test.chat.revisions.current("ana");
  assert.ok(start > 0);
  assert.equal(test.chat.revisions.current("cleo"), 0);
  await test.send("ben", "ana");
  await test.chat.settings.update("ana", { presence: false });
  await test.chat.settings.block("ana", "cleo");
  await test.chat.read("ana", { with: "ben", seq: 1 });
  await time.tick(aWhile);
  await test.chat.rooms.create({ user: "ben" }, {
    id: test.draft("ben").id,
    name: "secret",
    isPublic: false,
    historyVisible: true,
  }).then(({ room }) =>
    test.chat.rooms.invite({ user: "ben" }, { id: test.draft("ben").id, room: room.id, user: "ana" })
  );
  const changes = take(ana, "state_changed");
  assert.deepEqual(changes.map(({ revision }) => revision - start), [1, 2, 3, 4]);
  assert.deepEqual(changes.map(({ conversation }) => conversation?.replace(/[+].*/, "+")), [
    undefined,
    undefined,
    "ana:ben",
    "+",
  ]);
  assert.deepEqual(take(phone, "state_changed"), changes);
  assert.deepEqual(take(ben, "state_changed"), []);
  assert.equal(test.chat.revisions.current("ana"), start + 4);
  test.chat.unsubscribe(ana);
  assert.equal(test.chat.revisions.current("ana"), start + 4);
  test.chat.unsubscribe(phone);
  const again = await come(test, "ana");
  assert.notEqual(test.chat.revisions.current("ana"), start + 4);
  test.chat.unsubscribe(again);
});
