import assert from "node:assert/strict";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { FakeSubscriber, TestChat } from "../../support/servers/test_chat.ts";

async function come(test: TestChat, user: string): Promise<FakeSubscriber> {
  const subscriber = new FakeSubscriber({ user });
  await test.chat.settings.load(user);
  test.chat.subscribe(subscriber);
  return subscriber;
}

/** What a session was told since it was asked last. */
function take({ notices }: FakeSubscriber): string[] {
  return notices.splice(0).flatMap((notice) =>
    notice.kind === "typing" ? [`${notice.user} ${notice.stopped ? "stopped" : "types"} in ${notice.conversation}`] : []
  );
}

function say(test: TestChat, user: string, to: string, stopped = false): Promise<void> {
  return test.chat.type(user, { to, stopped });
}

Deno.test("the other one of two is told who types, and nobody else", async () => {
  await using test = await TestChat.open();
  const [ana, ben, cleo] = [await come(test, "ana"), await come(test, "ben"), await come(test, "cleo")];
  await say(test, "ana", "ben");
  await say(test, "ana", "ben", true);
  await say(test, "ana", "ana");
  assert.deepEqual([ana, ben, cleo].map(take), [[], ["ana types in ana:ben", "ana stopped in ana:ben"], []]);
});

Deno.test("in a room its members are told, and only a member types there", async () => {
  await using test = await TestChat.open({ users: ["ana", "ben", "cleo", "dan"] });
  const id = () => test.draft("ana").id;
  const { room } = await test.chat.rooms.create({ user: "ana" }, {
    id: id(),
    name: "ops",
    isPublic: true,
    historyVisible: true,
  });
  for (const user of ["ben", "cleo"]) await test.chat.rooms.join({ user }, { id: id(), room: "#ops" });
  const [ana, ben, cleo, dan] = [
    await come(test, "ana"),
    await come(test, "ben"),
    await come(test, "cleo"),
    await come(test, "dan"),
  ];
  await test.chat.settings.block("cleo", "ana");
  for (const each of [ana, ben, cleo, dan]) take(each);
  await say(test, "ana", "#ops");
  const expected = [`ana types in ${room.id}`];
  assert.deepEqual([ana, ben, cleo, dan].map(take), [[], expected, [], []]);
  await rejectsWith("permission_denied", say(test, "dan", "#ops"));
  await rejectsWith("not_found", say(test, "dan", "nobody"));
  assert.deepEqual([ana, ben, cleo, dan].map(take), [[], [], [], []]);
});

Deno.test("people who blocked each other do not see each other type", async () => {
  await using test = await TestChat.open();
  const [ana, ben] = [await come(test, "ana"), await come(test, "ben")];
  await test.chat.settings.block("ana", "ben");
  await say(test, "ana", "ben");
  await say(test, "ben", "ana");
  assert.deepEqual([ana, ben].map(take), [[], []]);
  await test.chat.settings.unblock("ana", "ben");
  await say(test, "ben", "ana");
  assert.deepEqual(take(ana), ["ben types in ana:ben"]);
});

Deno.test("who takes no messages from somebody does not see them type", async () => {
  await using test = await TestChat.open();
  const ana = await come(test, "ana");
  await test.chat.settings.update("ana", { directMessages: "contacts" });
  await rejectsWith("permission_denied", say(test, "ben", "ana"));
  assert.deepEqual(take(ana), []);
  await test.send("ana", "ben");
  await say(test, "ben", "ana");
  assert.deepEqual(take(ana), ["ben types in ana:ben"]);
});

Deno.test("who says it too often is told of some of the time", async () => {
  await using test = await TestChat.open();
  const ben = await come(test, "ben");
  for (let count = 0; count < 100; count++) await say(test, "ana", "ben");
  assert.equal(take(ben).length, 8);
  test.clock.advance(2_000);
  for (let count = 0; count < 100; count++) await say(test, "ana", "ben");
  assert.equal(take(ben).length, 2);
});

Deno.test("whoever hides their presence types unseen", async () => {
  await using test = await TestChat.open();
  const ben = await come(test, "ben");
  await test.chat.settings.update("ana", { presence: false });
  await say(test, "ana", "ben");
  assert.deepEqual(take(ben), []);
  await test.chat.settings.update("ana", { presence: true });
  await say(test, "ana", "ben");
  assert.deepEqual(take(ben), ["ana types in ana:ben"]);
});
