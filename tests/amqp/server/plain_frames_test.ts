// Frames of plain messages, which a session takes without decoding them.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Incoming, ReplyAddress } from "../../../src/amqp/incoming.ts";
import { messageTypes } from "../../../src/amqp/message_types.ts";
import type { BrokerSession } from "../../../src/amqp/server/broker_session.ts";
import { SessionRequests, type SessionRequestsOptions } from "../../../src/amqp/server/session_requests.ts";
import type { ChatError } from "../../../src/core/chat_error.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { ServerFrame } from "../../../src/gen/chatd/v1/session.ts";
import { jsonFromBinary } from "../../../src/wire/json_messages.ts";
import { startTestAmqpServer, type TestAmqpServer } from "../../support/brokers/amqp_server.ts";
import { borrowTestBroker } from "../../support/brokers/borrowed_broker.ts";
import { RawAmqpClient, type RawSession } from "../../support/brokers/raw_amqp_client.ts";
import type { RequestKind } from "../../support/servers/received_frames.ts";
import { newest, sendRequest } from "../../support/servers/wire_values.ts";
import { eventually } from "../../support/waiting/eventually.ts";

const broker = await borrowTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

const password = "correct horse battery";
const formats = { "application/x-protobuf": "protobuf", "application/json": "JSON" } as const;

async function begin({ chat }: TestAmqpServer): Promise<{ client: RawAmqpClient; session: RawSession }> {
  await chat.accounts.addUser({ name: "ana", password });
  const account = { user: "ana", password, deviceName: "", deviceId: "", address: "127.0.0.1" };
  const { token } = await chat.accounts.logIn(account);
  const client = await RawAmqpClient.connect(broker.node.amqpUrl("ana", token));
  const session = await client.hello(token);
  assert.ok(session);
  return { client, session };
}

function say(text: string, id = createMessageId()): RequestKind {
  return { $case: "send", value: sendRequest({ to: "ana", text, id }) };
}

/** The outcomes of a session's requests, in the order of the replies. */
function answers({ received }: RawSession): string[] {
  return received.flatMap(({ content }) => ServerFrame.decode(content).items).flatMap(({ kind }) => {
    if (kind?.$case === "sessionEnded") return [`end: ${kind.value.error?.code}`];
    if (kind?.$case !== "reply") return [];
    const { result } = kind.value;
    if (result?.$case === "error") return [result.value.code];
    return [result?.$case === "send" ? `${result.value.seq} ${result.value.duplicate}` : `${result?.$case}`];
  });
}

for (const [contentType, format] of Object.entries(formats)) {
  const encode = (frame: Uint8Array) =>
    format === "JSON" ? new TextEncoder().encode(jsonFromBinary(messageTypes.clientFrame, frame)) : frame;

  Deno.test(`plain messages in a frame of ${format} are stored in order, between other requests`, async () => {
    await using chatd = await startTestAmqpServer(broker);
    const { client, session } = await begin(chatd);
    await using _closing = client;
    const again = createMessageId();
    const frames = [
      [say("1"), say("2")],
      [say("3", again), say("4 @ana"), say("5"), { $case: "ping", value: {} } as const, say("6")],
      [say("3", again), say("7"), say("8")],
    ];
    for (const frame of frames) {
      await client.publish(encode(client.frame(...frame)), { ...client.inSession(session), contentType });
    }
    await eventually(() => answers(session).length >= 10);
    const expected = ["1", "2", "3", "4", "5"].map((seq) => `${seq} false`);
    assert.deepEqual(answers(session), [...expected, "ping", "6 false", "3 true", "7 false", "8 false"]);
    const { messages } = await chatd.chat.history("ana", { ...newest, with: "ana", limit: 100 });
    assert.deepEqual(messages.map(({ text }) => text), ["1", "2", "3", "4 @ana", "5", "6", "7", "8"]);
  });
}

Deno.test("a frame that is longer than 64 KiB ends its session, although the broker let it pass", async () => {
  const ends: string[] = [];
  const session = {
    checkSequence() {},
    receiveEncoded: () => assert.fail("the session received it"),
    end: ({ code }: ChatError) => void ends.push(code),
  };
  const requests = new SessionRequests({} as SessionRequestsOptions);
  for (const format of ["protobuf", "json"] as const) {
    const frame: Partial<Incoming> = {
      type: messageTypes.clientFrame,
      session: "secret",
      content: Buffer.alloc(65_537),
      format,
    };
    await requests.handle(frame as Incoming, {} as ReplyAddress, session as unknown as BrokerSession);
  }
  assert.deepEqual(ends, ["invalid_argument", "invalid_argument"]);
});
