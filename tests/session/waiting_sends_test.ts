/** Sends that had to wait before they began. */
import assert from "node:assert/strict";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { PlainBatch } from "../../src/core/messages/plain_batch.ts";
import type { SendRequest } from "../../src/gen/chatd/v1/chat.ts";
import { open, send } from "../support/servers/session_requests.ts";
import { TestChat, type TestChatOptions } from "../support/servers/test_chat.ts";
import { TestMessageStore } from "../support/servers/test_message_store.ts";
import { TestStore } from "../support/servers/test_store.ts";
import { newest, sendRequest } from "../support/servers/wire_values.ts";
import { until } from "../support/waiting/turns.ts";

/** Counts the messages that took the lane. */
class CountingStore extends TestMessageStore {
  plain = 0;

  override async commitPlain(batch: PlainBatch): Promise<boolean> {
    this.plain += batch.count;
    return await super.commitPlain(batch);
  }
}

async function openChat(options: TestChatOptions = {}) {
  const store = TestStore.openWith((log) => new CountingStore(log));
  const test = await TestChat.open({ ...options, store });
  await test.send("ana", "ben", "the first");
  const texts = async () => {
    const { messages } = await test.chat.history("ben", { ...newest, with: "ana", limit: 200 });
    return messages.map(({ text }) => text);
  };
  return { test, store: store.messages, texts, [Symbol.asyncDispose]: () => test.close() };
}

Deno.test("messages above the rate take the lane when their turn comes", async () => {
  await using chat = await openChat({ rate: { perSecond: 100, burst: 5 } });
  const { test, store, texts } = chat;
  const ana = await open(test, "ana");
  const ids = ana.request(...Array.from({ length: 8 }, (_, index) => send(test, "ben", `${index}`)));
  await ana.reply(ids[4]);
  assert.equal(store.plain, 5);
  test.clock.advance(1_000);
  await ana.reply(ids[7]);
  assert.equal(store.plain, 8);
  assert.deepEqual(await texts(), ["the first", "0", "1", "2", "3", "4", "5", "6", "7"]);
});

Deno.test("a message that waited leaves the lane for the same reasons as others", async () => {
  await using chat = await openChat({ rate: { perSecond: 100, burst: 10 } });
  const { test, store, texts } = chat;
  const ana = await open(test, "ana");
  const sends: [change: Partial<SendRequest>, outcome: string][] = [
    [{ text: "ä🙂" }, "send"],
    [{ text: "a reply", replyToSeq: 1 }, "send"],
    [{ text: "automatic", automatic: true }, "send"],
    [{ text: "@ben" }, "send"],
    [{ text: "an upload", uploadId: createMessageId(test.clock.now()) }, "not_found"],
    [{ text: "an old id", id: createMessageId(1) }, "message_id_expired"],
    [{ text: "no id", id: "é".repeat(36) }, "invalid_argument"],
    [{ text: "" }, "invalid_argument"],
    [{ text: "no user", to: "é" }, "invalid_argument"],
    [{ text: "long".repeat(4_000) }, "send"],
  ];
  const burst = ana.request(...Array.from({ length: 10 }, () => send(test, "ben")));
  const ids = ana.request(...sends.map(([change]) => {
    const id = createMessageId(test.clock.now());
    return { $case: "send" as const, value: sendRequest({ to: "ben", text: "", id, ...change }) };
  }));
  await ana.reply(burst[9]);
  assert.equal(store.plain, 10);
  test.clock.advance(1_000);
  await until(() => ids.every((id) => ana.replies.some(({ requestId }) => requestId === id)));
  const outcomes = ids.map((id) => {
    const { result } = ana.replies.find(({ requestId }) => requestId === id)!;
    return result!.$case === "error" ? result!.value.code : result!.$case;
  });
  assert.deepEqual(outcomes, sends.map(([, outcome]) => outcome));
  assert.equal(store.plain, 11);
  const stored = sends.filter(([, outcome]) => outcome === "send").map(([{ text }]) => text);
  assert.deepEqual((await texts()).slice(11), stored);
});
