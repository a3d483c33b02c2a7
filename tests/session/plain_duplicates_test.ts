import assert from "node:assert/strict";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { LaneStore } from "../support/lane/lane_store.ts";
import { open, send } from "../support/servers/session_requests.ts";
import { TestChat } from "../support/servers/test_chat.ts";
import type { TestSession } from "../support/servers/test_session.ts";
import { turns, until } from "../support/waiting/turns.ts";

async function openChat() {
  const store = LaneStore.open();
  const test = await TestChat.open({ store });
  for (const to of ["ben", "cleo"]) await test.send("ana", to, "the first");
  const [phone, laptop, ben] = [await open(test, "ana"), await open(test, "ana"), await open(test, "ben")];
  await open(test, "cleo");
  return { test, store: store.messages, phone, laptop, ben, [Symbol.asyncDispose]: () => test.close() };
}

/** The outcomes of requests: the code of an error, or the seq of a message. */
async function outcomes(requests: readonly (readonly [TestSession, number])[]): Promise<string[]> {
  const found: string[] = [];
  for (const [session, id] of requests) {
    const result = await session.reply(id);
    if (result.$case === "send") found.push(`${result.value.seq}${result.value.duplicate ? " again" : ""}`);
    else found.push(result.$case === "error" ? result.value.code : result.$case);
  }
  return found;
}

Deno.test("a message that two sessions of a user send at once is in the log once", async () => {
  await using chat = await openChat();
  const { test, store, phone, laptop, ben } = chat;
  const id = createMessageId(test.clock.now());
  const requests = [phone, laptop].map((each) => [each, each.request(send(test, "ben", "once", id))[0]] as const);
  const [last] = phone.request(send(test, "ben", "last"));
  assert.deepEqual(await outcomes([...requests, [phone, last]]), ["2", "2 again", "3"]);
  await until(() => ben.texts.length === 2 && laptop.texts.length === 2);
  await turns(3);
  // The laptop did not send the message that is in the log.
  assert.deepEqual([ben.texts, laptop.texts, phone.texts], [["once", "last"], ["once", "last"], []]);
  assert.equal(store.plain, 3);
});

Deno.test("an id stands for the first of several messages with it, in a batch or in several", async () => {
  await using chat = await openChat();
  const { test, phone, ben } = chat;
  const id = createMessageId(test.clock.now());
  const sends = [
    send(test, "ben", "first", id),
    send(test, "ben", "another text", id),
    send(test, "cleo", "first", id),
    send(test, "ben", "first", id),
    send(test, "ben", "second"),
  ];
  const inOne = phone.request(...sends);
  const expected = ["2", "message_id_conflict", "message_id_conflict", "2 again", "3"];
  assert.deepEqual(await outcomes(inOne.map((id) => [phone, id] as const)), expected);
  for (const [index, kind] of sends.slice(0, 4).entries()) {
    const [request] = phone.request(kind);
    assert.deepEqual(await outcomes([[phone, request]]), [index === 0 ? "2 again" : expected[index]]);
  }
  await until(() => ben.texts.length === 2);
  assert.deepEqual(ben.texts, ["first", "second"]);
});
