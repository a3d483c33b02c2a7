import assert from "node:assert/strict";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { ReplyResult, RequestKind } from "../support/servers/received_frames.ts";
import { directAppend } from "../support/servers/stored_messages.ts";
import { TestChat } from "../support/servers/test_chat.ts";
import { TestSession } from "../support/servers/test_session.ts";
import { until } from "../support/waiting/turns.ts";
import { historyRequest, sendRequest } from "../support/servers/wire_values.ts";

const people = 60;
const others = Array.from({ length: people }, (_, index) => `user-${index}`);

/** A chat with long pages of every kind for ana; each step of a page is a slice. */
async function openLarge(): Promise<{ test: TestChat; room: string }> {
  const test = await TestChat.open({ users: ["ana", "ben", "cleo", ...others], sliceMs: 0 });
  const { chat } = test;
  const change = () => createMessageId(test.clock.now());
  const { room } = await chat.rooms.create({ user: "ana" }, {
    id: change(),
    name: "ops",
    isPublic: true,
    historyVisible: true,
  });
  for (const user of others) await chat.rooms.join({ user }, { id: change(), room: room.id });
  await test.store.messages.commit(others.map((other) => directAppend(other, "ana")));
  await test.store.messages.commit(others.map(() => directAppend("ana", "user-0")));
  return { test, room: room.id };
}

function pageRequests(room: string): RequestKind[] {
  return [
    { $case: "listUsers", value: { after: "", limit: people } },
    { $case: "listMembers", value: { room, after: "", limit: people } },
    { $case: "listConversations", value: { beforePosition: 0, limit: people } },
    { $case: "history", value: historyRequest({ with: "user-0", limit: people }) },
    { $case: "sent", value: { beforeId: "", limit: people } },
    { $case: "search", value: { query: "hello", beforePosition: 0, limit: 50 } },
  ];
}

function lengthOf({ value }: ReplyResult): number {
  return Object.values(value).find(Array.isArray)?.length ?? 0;
}

Deno.test("a message sent while a large page is made is delivered before the page, for every kind of page", async () => {
  const { test, room } = await openLarge();
  await using _ = test;
  const ana = await TestSession.open(test, (await test.logIn("ana")).token);
  const ben = await TestSession.open(test, (await test.logIn("ben")).token);
  const cleo = await TestSession.open(test, (await test.logIn("cleo")).token);
  for (const request of pageRequests(room)) {
    const [id] = ana.request(request);
    const text = `beside ${request.$case}`;
    ben.request({ $case: "send", value: sendRequest({ to: "cleo", text, id: createMessageId(test.clock.now()) }) });
    await until(() => cleo.texts.includes(text));
    assert.ok(ana.replies.every(({ requestId }) => requestId !== id), `${request.$case} kept the message waiting`);
    assert.ok(lengthOf(await ana.reply(id)) >= 50, request.$case);
    ana.acknowledge();
    cleo.acknowledge();
  }
});

Deno.test("a message sent while a backlog is read is delivered before the backlog", async () => {
  const { test } = await openLarge();
  await using _ = test;
  const ben = await TestSession.open(test, (await test.logIn("ben")).token);
  const cleo = await TestSession.open(test, (await test.logIn("cleo")).token);
  const ana = await TestSession.open(test, (await test.logIn("ana")).token, {
    hello: { epoch: test.chat.epoch, resumeAfter: 1 },
  });
  ben.request({
    $case: "send",
    value: sendRequest({ to: "cleo", text: "beside", id: createMessageId(test.clock.now()) }),
  });
  await until(() => cleo.texts.includes("beside"));
  assert.deepEqual(ana.texts, [], "the backlog kept the message waiting");
  await until(() => ana.texts.length === 2 * people);
});
