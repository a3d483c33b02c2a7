/** Clients that close their side before they have all replies. */
import assert from "node:assert/strict";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { RequestKind } from "../support/servers/received_frames.ts";
import { TestChat } from "../support/servers/test_chat.ts";
import { TestSession } from "../support/servers/test_session.ts";
import { turns, until } from "../support/waiting/turns.ts";
import { historyRequest, sendRequest } from "../support/servers/wire_values.ts";

const windowBytes = 100_000;
/** The longest frame with a page. */
const pageBytes = 25_000;

const history: RequestKind = { $case: "history", value: historyRequest({ with: "ana", limit: 2 }) };

function send({ clock }: TestChat, text: string): RequestKind {
  return { $case: "send", value: sendRequest({ to: "ana", text, id: createMessageId(clock.now()) }) };
}

/** Requests 40 pages, which are ten windows, and sends ten messages. */
async function askForMuch(test: TestChat): Promise<TestSession> {
  for (let count = 0; count < 2; count++) await test.send("ana", "ana", "x".repeat(12_000));
  const { token } = await test.logIn("ana");
  const client = await TestSession.open(test, token, { windowBytes, holdsFrames: true });
  client.takeFrames();
  client.request(
    ...Array(40).fill(history),
    ...Array.from({ length: 10 }, (_, index) => send(test, `message ${index}`)),
  );
  return client;
}

function kinds(client: TestSession): unknown[] {
  return client.replies.map(({ result }) => result?.$case);
}

const allKinds = ["hello", ...Array(40).fill("history"), ...Array(10).fill("send")];

Deno.test("a client that closed its side gets all its replies, as fast as it reads", async () => {
  await using test = await TestChat.open();
  const client = await askForMuch(test);
  client.session.leave();
  let most = 0;
  for (let pauses = 0; client.ended === undefined; pauses++) {
    assert.ok(pauses < 1_000, "the session does not end");
    await turns(20);
    most = Math.max(most, client.unsentBytes);
    client.takeFrames();
  }
  assert.deepEqual(client.ended, { reason: undefined });
  assert.deepEqual(kinds(client), allKinds);
  assert.ok(most < windowBytes + 2 * pageBytes, `${most} octets waited`);
  assert.ok(client.sizes.reduce((sum, size) => sum + size, 0) > 9 * windowBytes);
});

Deno.test("a client that closes its side with a full window gets the other replies too", async () => {
  await using test = await TestChat.open();
  const client = await askForMuch(test);
  await until(() => client.unsentBytes >= windowBytes);
  client.takeFrames();
  await turns(20);
  assert.ok(client.replies.length < 10, "they wait to be acknowledged");
  client.session.leave();
  await until(() => {
    client.takeFrames();
    return client.ended;
  });
  assert.deepEqual(kinds(client), allKinds);
});

Deno.test("a client that closed its side and reads nothing holds one window, and its requests wait", async () => {
  await using test = await TestChat.open();
  const client = await askForMuch(test);
  client.session.leave();
  await until(() => client.unsentBytes >= windowBytes);
  await turns(50);
  assert.ok(client.unsentBytes < windowBytes + 2 * pageBytes, `${client.unsentBytes} octets wait`);
  assert.equal(client.ended, undefined);
  assert.equal(test.chat.head, 2);
  client.session.disconnected();
  assert.equal(test.chat.live.count, 0);
});
