import assert from "node:assert/strict";
import { FakeSubscriber, TestChat } from "../../support/servers/test_chat.ts";

async function come(test: TestChat, user: string): Promise<FakeSubscriber> {
  await test.chat.settings.load(user);
  const subscriber = new FakeSubscriber({ user });
  test.chat.subscribe(subscriber);
  return subscriber;
}

/** Makes a room of ana. @returns functions to join it and to amend its messages */
async function openRoom(test: TestChat, { historyVisible }: { historyVisible: boolean }) {
  const id = () => test.draft("ana").id;
  const to = "#ops";
  await test.chat.rooms.create({ user: "ana" }, { id: id(), name: "ops", isPublic: true, historyVisible });
  const join = (user: string) => test.chat.rooms.join({ user }, { id: id(), room: to });
  const edit = async (seq: number, text: string) => {
    const { posting } = test.chat;
    return await posting.submit(await posting.checkEdit("ana", { to, seq, text, id: id() }));
  };
  const react = async (user: string, seq: number) => {
    const { posting } = test.chat;
    const reaction = { to, seq, emoji: "👍", remove: false, id: id() };
    return await posting.submit(await posting.checkReaction(user, reaction));
  };
  const readAfter = async (user: string, position: number) =>
    (await test.chat.messagesAfter(user, position - 1, { limit: 10, maxBytes: 10_000 })).messages;
  return { join, edit, react, readAfter };
}

Deno.test("an event about a message is looked up for members who may not see the message, and offered to the others", async () => {
  await using test = await TestChat.open();
  const { join, edit, readAfter } = await openRoom(test, { historyVisible: false });
  await join("ben");
  const before = await test.send("ana", "#ops", "secret");
  await join("cleo");
  const after = await test.send("ana", "#ops", "hello");
  const [ben, cleo] = [await come(test, "ben"), await come(test, "cleo")];
  const hidden = await edit(before.seq, "still secret");
  const seen = await edit(after.seq, "hello!");
  assert.deepEqual(ben.texts, ["still secret", "hello!"]);
  assert.deepEqual([cleo.texts, cleo.lookedUp], [["hello!"], [hidden.position]]);
  assert.deepEqual((await readAfter("cleo", hidden.position)).map(({ position }) => position), [seen.position]);
});

Deno.test("everything is offered in a room that shows its history to new members", async () => {
  await using test = await TestChat.open();
  const { join, edit } = await openRoom(test, { historyVisible: true });
  const { seq } = await test.send("ana", "#ops", "hello");
  await join("ben");
  const ben = await come(test, "ben");
  await edit(seq, "hello!");
  assert.deepEqual([ben.texts, ben.lookedUp], [["hello!"], []]);
});

Deno.test("events about messages are looked up for a user who ever blocked another, and all else is offered", async () => {
  await using test = await TestChat.open();
  const { join, react, readAfter } = await openRoom(test, { historyVisible: true });
  for (const user of ["ben", "cleo"]) await join(user);
  const [ben, cleo] = [await come(test, "ben"), await come(test, "cleo")];
  await test.chat.settings.block("ben", "ana");
  const { seq } = await test.send("ana", "#ops", "hidden");
  const hidden = await react("cleo", seq);
  await test.chat.settings.unblock("ben", "ana");
  const next = await test.send("ana", "#ops", "seen");
  const seen = await react("cleo", next.seq);
  assert.deepEqual([ben.texts, ben.lookedUp], [["seen"], [hidden.position, seen.position]]);
  assert.deepEqual((await readAfter("ben", hidden.position)).map(({ position }) => position), [
    next.position,
    seen.position,
  ]);
  assert.equal(cleo.offered.length, 4);
});

Deno.test("no entry of a blocked sender is offered, in rooms or in direct conversations", async () => {
  await using test = await TestChat.open();
  const { join } = await openRoom(test, { historyVisible: true });
  await join("ben");
  const ben = await come(test, "ben");
  await test.chat.settings.block("ben", "ana");
  for (const to of ["ben", "#ops"]) await test.send("ana", to, "hidden");
  await test.send("cleo", "ben", "seen");
  await test.chat.settings.unblock("ben", "ana");
  await test.send("ana", "ben", "again");
  assert.deepEqual(ben.texts, ["seen", "again"]);
});

Deno.test("an invited user is notified, but not of an invitation by a user whom they block", async () => {
  await using test = await TestChat.open();
  await openRoom(test, { historyVisible: true });
  const [ben, cleo] = [await come(test, "ben"), await come(test, "cleo")];
  await test.chat.settings.block("ben", "ana");
  for (const each of [ben, cleo]) each.notices.splice(0);
  for (const user of ["ben", "cleo"]) {
    await test.chat.rooms.invite({ user: "ana" }, { id: test.draft("ana").id, room: "#ops", user });
  }
  assert.deepEqual([ben, cleo].map(({ notices }) => notices.length), [0, 1]);
});

Deno.test("an entry is offered to each reader with how it names them, and an edit tells who was named before", async () => {
  await using test = await TestChat.open({ users: ["ana", "ben", "cleo", "dan"] });
  const { join, edit } = await openRoom(test, { historyVisible: true });
  const readers: FakeSubscriber[] = [];
  for (const user of ["ben", "cleo", "dan"]) {
    await join(user);
    readers.push(await come(test, user));
  }
  const [ben, cleo, dan] = readers;
  const author = await come(test, "ana");
  test.chat.presence.setAway(cleo, true);
  const { seq } = await test.send("ana", "#ops", "@here and @ana, ask @dan");
  await edit(seq, "@here and @cleo");
  await edit(seq, "@cleo and @room");
  await edit(seq, "none");
  const namings = (reader: FakeSubscriber) =>
    reader.offered.filter(({ message }) => message.text !== "").map(({ message }) => message.naming);
  assert.deepEqual(namings(ben), ["new", "kept", "kept", undefined]);
  assert.deepEqual(namings(cleo), [undefined, "new", "kept", undefined]);
  assert.deepEqual(namings(dan), ["new", "kept", "kept", undefined]);
  assert.deepEqual(namings(author), [undefined, undefined, undefined, undefined], "authors do not name themselves");
});
