// Commits that come back unjudged, because another process changed the state in the store.
import assert from "node:assert/strict";
import type { RoomEvent } from "../../../src/core/messages/log_event.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { BehindMessageStore } from "../../support/fakes/behind_store.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";
import { entryAppend } from "../../support/servers/stored_messages.ts";
import { FakeSubscriber } from "../../support/servers/test_chat.ts";
import { TestRooms } from "../../support/servers/test_rooms.ts";
import { until } from "../../support/waiting/turns.ts";

async function open() {
  const store = BehindMessageStore.open();
  const rooms = await TestRooms.open({ users: ["ana", "ben", "cleo"], store });
  const { chat } = rooms.test;
  /** Another process commits an event of a room, and this one learns of it. */
  const happens = async (room: string, sender: string, event: RoomEvent) => {
    const message = await store.messages.commitElsewhere(entryAppend(room, sender, { event }));
    chat.applier.apply([{ message, origin: undefined }]);
  };
  const come = async (user: string) => {
    await chat.settings.load(user);
    const subscriber = new FakeSubscriber({ user });
    chat.subscribe(subscriber);
    return subscriber;
  };
  return { rooms, chat, happens, come, messages: store.messages };
}

Deno.test("entries that come back unjudged keep their order, and those that came meanwhile follow", async () => {
  const { rooms, come, messages } = await open();
  await using _ = rooms;
  const ben = await come("ben");
  let late: Promise<unknown> | undefined;
  messages.meanwhile.push(() => void (late = rooms.test.send("ana", "ben", "3")), () => {}, () => {}, () => {});
  await Promise.all(["1", "2"].map((text) => rooms.test.send("ana", "ben", text)));
  await late;
  assert.deepEqual(messages.commits.slice(0, 2), [["1", "2"], ["1", "2", "3"]]);
  assert.equal(messages.commits.length, 5);
  assert.deepEqual(ben.texts, ["1", "2", "3"]);
});

Deno.test("a message of a member who was removed meanwhile is refused, and those of others stand", async () => {
  const { rooms, happens, messages } = await open();
  await using _ = rooms;
  const room = await rooms.create("ana", "ops");
  for (const user of ["ben", "cleo"]) await rooms.join(user, room);
  messages.meanwhile.push(() => {}, () => happens(room, "ana", { kind: "removed", user: "ben", banned: false }));
  const [first, refused, last] = await Promise.allSettled([
    rooms.test.send("cleo", room, "1"),
    rooms.test.send("ben", room, "too late"),
    rooms.test.send("cleo", room, "2"),
  ]);
  assert.equal(refused.status === "rejected" && refused.reason.code, "permission_denied");
  assert.deepEqual([first.status, last.status], ["fulfilled", "fulfilled"]);
  assert.deepEqual((await rooms.log("ana", room)).slice(-3), ["ana removed ben", "cleo 1", "cleo 2"]);
  await rooms.assertAsStored(room);
});

Deno.test("an event of a room is judged again by the roles of now", async () => {
  const { rooms, happens, messages } = await open();
  await using _ = rooms;
  const room = await rooms.create("ana", "ops");
  for (const user of ["ben", "cleo"]) await rooms.join(user, room);
  await rooms.setRole("ana", room, "ben", "moderator");
  messages.meanwhile.push(() => happens(room, "ana", { kind: "role_changed", user: "ben", role: "member" }));
  await rejectsWith("permission_denied", rooms.remove("ben", room, "cleo"));
  assert.deepEqual(await rooms.roles("ana", room), ["ana owner", "ben member", "cleo member"]);
});

Deno.test("a removal that comes back unjudged restricts the entries after it, and none before it", async () => {
  const { rooms, messages } = await open();
  await using _ = rooms;
  const room = await rooms.create("ana", "ops");
  await rooms.join("ben", room);
  const checked = await rooms.test.chat.posting.check("ben", rooms.test.draft(room, "before"));
  let after: Promise<unknown> | undefined;
  messages.meanwhile.push(() => void (after = rejectsWith("permission_denied", rooms.test.send("ben", room, "after"))));
  const before = rooms.test.chat.posting.submit(checked);
  await rooms.remove("ana", room, "ben");
  await before;
  await after;
  assert.deepEqual((await rooms.log("ana", room)).slice(-2), ["ben before", "ana removed ben"]);
});

Deno.test("entries after a removal that is refused the second time are judged without it", async () => {
  const { rooms, happens, messages } = await open();
  await using _ = rooms;
  const room = await rooms.create("ana", "ops");
  for (const user of ["ben", "cleo"]) await rooms.join(user, room);
  await rooms.setRole("ana", room, "cleo", "moderator");
  const { posting } = rooms.test.chat;
  const checked = await posting.check("ben", rooms.test.draft(room, "still here"));
  let sent: Promise<unknown> | undefined;
  messages.meanwhile.push(async () => {
    sent = posting.submit(checked);
    await happens(room, "ana", { kind: "role_changed", user: "cleo", role: "member" });
  });
  await rejectsWith("permission_denied", rooms.remove("cleo", room, "ben"));
  await sent;
  assert.deepEqual((await rooms.log("ana", room)).slice(-1), ["ben still here"]);
});

Deno.test("a message to a user who accepts none any more is refused", async () => {
  const { rooms, chat, messages } = await open();
  await using _ = rooms;
  messages.meanwhile.push(() => chat.settings.update("ben", { directMessages: "nobody" }));
  const [refused, sent] = [
    rejectsWith("permission_denied", rooms.test.send("ana", "ben")),
    rooms.test.send("ana", "cleo"),
  ];
  await refused;
  await sent;
  assert.deepEqual(messages.commits.map(({ length }) => length), [2, 2]);
});

Deno.test("an invitation is judged again by the settings of now", async () => {
  const { rooms, chat, messages } = await open();
  await using _ = rooms;
  const room = await rooms.create("ana", "ops");
  messages.meanwhile.push(() => chat.settings.update("ben", { directMessages: "nobody" }));
  await rejectsWith("permission_denied", rooms.invite("ana", room, "ben"));
});

Deno.test("a resent message that was stored before is a duplicate, also when it is refused now", async () => {
  const { rooms, chat, messages } = await open();
  await using _ = rooms;
  const draft = rooms.test.draft("ben");
  const send = async () => await chat.posting.submit(await chat.posting.check("ana", draft));
  const first = await send();
  messages.meanwhile.push(() => chat.settings.update("ben", { directMessages: "nobody" }));
  assert.deepEqual(await send(), { ...first, duplicate: true });
});

Deno.test("after three unjudged commits in a row, the next one waits 5 ms", async () => {
  using time = new FakeTime();
  const { rooms, messages } = await open();
  await using _ = rooms;
  messages.meanwhile.push(() => {}, () => {}, () => {}, () => {});
  const sent = rooms.test.send("ana", "ben");
  await until(() => messages.commits.length === 3);
  await time.tick(4);
  assert.equal(messages.commits.length, 3);
  await time.tick(1);
  await until(() => messages.commits.length === 4);
  await time.tick(5);
  await sent;
  assert.equal(messages.commits.length, 5);
  messages.meanwhile.push(() => {});
  await rooms.test.send("ana", "ben");
  assert.equal(messages.commits.length, 7);
});
