/** A message takes the same path from a live session and from a single call. */
import assert from "node:assert/strict";
import { ChatError } from "../../src/core/chat_error.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { SendRequest } from "../../src/gen/chatd/v1/chat.ts";
import { answer } from "../../src/session/request_handlers.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { TestChat } from "../support/servers/test_chat.ts";
import { TestSession } from "../support/servers/test_session.ts";
import { sendRequest } from "../support/servers/wire_values.ts";

type Send = (request: SendRequest) => Promise<unknown>;

/** Sends by a single call, and in a session, each to a chat of its own. */
const ways: ((test: TestChat) => Promise<Send>)[] = [
  async (test) => {
    const identity = await test.identify("ana");
    return async (request) => await answer("send", { chat: test.chat, identity }, request);
  },
  async (test) => {
    const session = await TestSession.open(test, (await test.logIn("ana")).token);
    return async (request) => {
      const { $case, value } = await session.reply(session.request({ $case: "send", value: request })[0]);
      if ($case === "error") throw new ChatError(value.code as "internal", value.message);
      return value;
    };
  },
];

/** Returns the reply or the error of each of these requests. */
async function outcomes(test: TestChat, send: Send, requests: SendRequest[]): Promise<unknown[]> {
  const found = [];
  for (const request of requests) {
    found.push(await send(request).catch(({ code, message }) => ({ code, message })));
    test.clock.advance(1);
  }
  return found;
}

Deno.test("a send is checked, accepted and refused alike by a single call and in a session", async () => {
  const now = new FakeClock().now();
  const [first, second, third] = [1, 2, 3].map((index) => createMessageId(now + index));
  const requests = [
    sendRequest({ to: "ben", id: first, text: "hello" }),
    sendRequest({ to: "ben", id: first, text: "hello" }),
    sendRequest({ to: "ben", id: first, text: "another text" }),
    sendRequest({ to: "ben", id: second, text: "an answer", replyToSeq: 1 }),
    sendRequest({ to: "ben", id: third, text: "no answer", replyToSeq: 77 }),
    sendRequest({ to: "nobody", id: third, text: "hello" }),
    sendRequest({ to: "#nowhere", id: third, text: "hello" }),
    sendRequest({ to: "ben", id: third, text: "" }),
    sendRequest({ to: "ben", id: third, text: "with a file", uploadId: third }),
    sendRequest({ to: "ben", id: "no id", text: "hello" }),
    sendRequest({ to: "ben", id: third, text: "the last one" }),
  ];
  const [byCall, inSession] = await Promise.all(ways.map(async (way) => {
    await using test = await TestChat.open();
    return await outcomes(test, await way(test), requests);
  }));
  assert.deepEqual(byCall, inSession);
  const codes = byCall.map((each) => (each as { code?: string }).code);
  assert.deepEqual(codes.filter((code) => code === undefined).length, 4);
});
