import assert from "node:assert/strict";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { defaultSettings } from "../../src/core/people/settings_store.ts";
import { maxFrameBytes } from "../../src/wire/limits.ts";
import type { Question, ReplyValues, RequestValues } from "../support/servers/received_frames.ts";
import { sendMessage } from "../support/servers/send_message.ts";
import { directAppend } from "../support/servers/stored_messages.ts";
import { TestChat } from "../support/servers/test_chat.ts";
import { TestSession } from "../support/servers/test_session.ts";
import { historyRequest } from "../support/servers/wire_values.ts";

const ana = "ana".padEnd(32, "x");
const names = Array.from({ length: 1_200 }, (_, index) => `user-${index}`.padEnd(32, "x"));
/** The texts of a user that take the most bytes; display names must differ. */
const longest = (index: number) => ({ displayName: `${"𝄞".repeat(60)}${1000 + index}`, status: "𝄞".repeat(64) });

/** Opens a session of ana. All users have names of the longest kind. */
async function open(): Promise<{ test: TestChat; client: TestSession }> {
  const test = await TestChat.open({ users: [ana] });
  for (const name of names) {
    await test.store.accounts.addUser({ name, passwordHash: "", disabled: false, createdAt: 0 });
  }
  const client = await TestSession.open(test, (await test.logIn(ana)).token);
  return { test, client };
}

/** Returns the reply to a request, whose frame is within the limit. */
async function ask<Name extends Question>(
  client: TestSession,
  name: Name,
  value: RequestValues[Name],
): Promise<ReplyValues[Name]> {
  const answer = await client.ask(name, value);
  const bytes = client.sizes.at(-1)!;
  assert.ok(bytes <= maxFrameBytes, `${name} is answered by a frame of ${bytes} bytes`);
  client.acknowledge();
  return answer;
}

Deno.test("a page of messages of any sizes fits a frame, and pages cover everything", async () => {
  for (const size of [1, 100, 118, 150, 163, 164, 500, 8_000, 12_289, 16_384]) {
    const { test, client } = await open();
    const count = size > 1_000 ? 10 : 420;
    const appends = Array.from(
      { length: count },
      (_, index) =>
        directAppend(ana, names[0], {
          text: "x".repeat(size),
          id: createMessageId(index),
          acceptedAt: Number.MAX_SAFE_INTEGER,
        }),
    );
    await test.store.messages.commit(appends);
    const seqs: number[] = [];
    for (let more = true; more;) {
      const page = await ask(
        client,
        "history",
        historyRequest({
          with: names[0],
          beforeSeq: seqs.at(0) ?? 0,
          limit: 200,
        }),
      );
      assert.ok(page.messages.length > 0);
      seqs.unshift(...page.messages.map(({ seq }) => seq));
      more = page.more;
    }
    assert.deepEqual(seqs, Array.from({ length: count }, (_, index) => index + 1));
    const ids: string[] = [];
    for (let more = true; more;) {
      const page = await ask(client, "sent", { beforeId: ids.at(0) ?? "", limit: 200 });
      assert.ok(page.messages.length > 0);
      ids.unshift(...page.messages.map(({ id }) => id));
      more = page.more;
    }
    assert.deepEqual(ids, appends.map(({ id }) => id));
    await test.close();
  }
});

Deno.test("a page of pins fits a frame, however long the messages, and pages cover everything", async () => {
  for (const size of [1, 491, 492, 2_000, 16_384]) {
    const { test, client } = await open();
    const seqs = Array.from({ length: 50 }, (_, index) => index + 1);
    const acceptedAt = Number.MAX_SAFE_INTEGER;
    await test.store.messages.commit(
      seqs.map(() => directAppend(ana, names[0], { text: "x".repeat(size), acceptedAt })),
    );
    await test.store.messages.commit(seqs.map((target) => ({
      ...directAppend(names[0], ana, { text: "", acceptedAt }),
      event: { kind: "pinned", target, removed: false },
    })));
    const listed: number[] = [];
    let beforePosition = 0;
    for (let more = true; more;) {
      const page = await ask(client, "listPins", { with: names[0], beforePosition, limit: 50 });
      assert.ok(page.pins.length > 0);
      listed.push(...page.pins.map(({ message }) => message!.seq));
      beforePosition = page.pins.at(-1)!.position;
      more = page.more;
    }
    assert.deepEqual(listed, seqs.toReversed());
    await test.close();
  }
});

Deno.test("a page of conversations fits a frame, however long their last messages, and pages cover everything", async () => {
  for (const size of [1, 245, 246, 1_000, 16_384]) {
    const { test, client } = await open();
    const with_ = names.slice(0, size > 1_000 ? 10 : 220);
    await test.store.messages.commit(
      with_.map((name) => directAppend(name, ana, { text: "x".repeat(size), acceptedAt: Number.MAX_SAFE_INTEGER })),
    );
    const addresses: string[] = [];
    let beforePosition = 0;
    for (let more = true; more;) {
      const page = await ask(client, "listConversations", { limit: 100, beforePosition });
      assert.ok(page.conversations.length > 0);
      addresses.push(...page.conversations.map(({ address }) => address));
      beforePosition = page.conversations.at(-1)!.last!.position;
      more = page.more;
    }
    assert.deepEqual(addresses, with_.toReversed());
    await test.close();
  }
});

Deno.test("a page of users fits a frame", async () => {
  const { test, client } = await open();
  await test.store.settings.saveLastSeen(new Map(names.map((name) => [name, Number.MAX_SAFE_INTEGER])));
  const first = await ask(client, "listUsers", { after: "", limit: 1_000 });
  assert.deepEqual([first.users.length, first.more], [1_000, true]);
  const rest = await ask(client, "listUsers", { after: first.users.at(-1)!.name, limit: 1_000 });
  assert.deepEqual([rest.users.length, rest.more], [201, false]);
  await test.close();
});

Deno.test("pages of users, members and conversations with display names fit a frame, and cover everything", async () => {
  const { test, client } = await open();
  const named = names.slice(0, 150);
  for (const [index, user] of named.entries()) {
    await test.store.settings.saveSettings(user, { ...defaultSettings, ...longest(index) });
  }
  const users: string[] = [];
  for (let more = true; more;) {
    const page = await ask(client, "listUsers", { after: users.at(-1) ?? "", limit: 1_000 });
    assert.ok(page.users.length > 0);
    users.push(...page.users.map(({ name }) => name));
    more = page.more;
  }
  assert.deepEqual(users, [ana, ...names].sort());
  await test.store.messages.commit(
    named.map((name) => directAppend(name, ana, { text: "x".repeat(245), acceptedAt: Number.MAX_SAFE_INTEGER })),
  );
  const addresses: string[] = [];
  let beforePosition = 0;
  for (let more = true; more;) {
    const page = await ask(client, "listConversations", { limit: 100, beforePosition });
    assert.ok(page.conversations.length > 0);
    addresses.push(...page.conversations.map(({ address }) => address));
    beforePosition = page.conversations.at(-1)!.last!.position;
    more = page.more;
  }
  assert.deepEqual(addresses, named.toReversed());
  const id = () => createMessageId(test.clock.now());
  await test.chat.rooms.create({ user: ana }, { id: id(), name: "ops", isPublic: true, historyVisible: true });
  for (const user of named) await test.chat.rooms.join({ user }, { id: id(), room: "#ops" });
  const members: string[] = [];
  for (let more = true; more;) {
    const page = await ask(client, "listMembers", { room: "#ops", after: members.at(-1) ?? "", limit: 500 });
    assert.ok(page.members.length > 0);
    members.push(...page.members.map(({ user }) => user));
    more = page.more;
  }
  assert.deepEqual(members, [ana, ...named].sort());
  await test.close();
});

Deno.test("a list of blocked users fits a frame", async () => {
  const { test, client } = await open();
  for (const user of names.slice(0, 1_000)) {
    // The rate of writes that a user may have.
    test.clock.advance(1_000);
    await ask(client, "blockUser", { user, unblock: false });
  }
  assert.equal((await ask(client, "getSettings", {})).blocked.length, 1_000);
  test.clock.advance(1_000);
  const refused = await client.refusal({ $case: "blockUser", value: { user: names[1_000], unblock: false } });
  assert.equal(refused, "limit_reached");
  await test.close();
});

Deno.test("a list of readers fits a frame", async () => {
  const { test, client } = await open();
  const id = () => createMessageId(test.clock.now());
  await test.chat.rooms.create({ user: ana }, { id: id(), name: "ops", isPublic: true, historyVisible: true });
  for (const user of names.slice(0, 150)) await test.chat.rooms.join({ user }, { id: id(), room: "#ops" });
  const { seq } = await test.send(ana, "#ops");
  const { conversation } = await test.chat.conversation(ana, "#ops");
  await test.store.messages.commit(
    names.slice(0, 150).map((user) => ({ kind: "move_read", conversation, user, seq })),
  );
  const { users, count } = await ask(client, "listReaders", { with: "#ops", seq });
  assert.deepEqual([users.length, count], [100, 150]);
  await test.close();
});

Deno.test("a list of devices fits a frame", async () => {
  const { test, client } = await open();
  const logIn = { user: ana, password: "correct horse", deviceId: "", address: "127.0.0.1" };
  for (let device = 1; device < 100; device++) {
    await test.accounts.logIn({ ...logIn, deviceName: "😀".repeat(64) });
  }
  assert.equal((await ask(client, "listDevices", {})).devices.length, 100);
  await test.close();
});

Deno.test("the largest message fits a frame of its own", async () => {
  const { test, client } = await open();
  await test.store.messages.commit([]);
  await sendMessage(test.chat, names[0], test.draft(ana, "x".repeat(16_384)));
  await ask(client, "ping", {});
  for (const size of client.sizes) assert.ok(size <= maxFrameBytes);
  assert.equal(client.messages.length, 1);
  await test.close();
});
