import assert from "node:assert/strict";
import type { ConsumeMessage, Options } from "amqplib";
import { receiptHeader, tokenHeader } from "../../../src/amqp/incoming.ts";
import { contentTypes, messageTypes } from "../../../src/amqp/message_types.ts";
import { UnreadChunks } from "../../../src/amqp/server/unread_chunks.ts";
import { fileExchange } from "../../../src/amqp/topology.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import {
  BeginUploadRequest,
  BeginUploadResponse,
  ReadChunkRequest,
  ReadChunkResponse,
  UploadChunkRequest,
} from "../../../src/gen/chatd/v1/files.ts";
import { Error as ErrorMessage } from "../../../src/gen/chatd/v1/session.ts";
import { jsonObject } from "../../../src/wire/json_messages.ts";
import { startTestAmqpServer, type TestAmqpServer } from "../../support/brokers/amqp_server.ts";
import { throwsWith } from "../../support/checks/chat_error_assertions.ts";
import { randomBytes, sha256Of } from "../../support/checks/files.ts";
import { RawAmqpClient } from "../../support/brokers/raw_amqp_client.ts";
import { sendMessage } from "../../support/servers/send_message.ts";
import { borrowTestBroker } from "../../support/brokers/borrowed_broker.ts";
import { standardDeadlineMs } from "../../support/waiting/deadlines.ts";

const broker = await borrowTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

interface Uploader extends AsyncDisposable {
  readonly token: string;
  /** Publishes a message to the exchange for files, with the token. */
  ask(type: string, content: Uint8Array, more?: Options.Publish): Promise<ConsumeMessage>;
}

async function uploader(server: TestAmqpServer, user: string): Promise<Uploader> {
  const credentials = await server.chat.accounts.register({
    user,
    password: "correct horse",
    invite: "",
    deviceName: "",
    address: "test",
  });
  const { token } = credentials;
  const client = await RawAmqpClient.connect(broker.node.amqpUrl(user, token));
  return {
    token,
    ask: (type, content, { headers, ...more } = {}) =>
      client.ask(content, { type, headers: { [tokenHeader]: token, ...headers }, ...more }, fileExchange),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

async function announce(bytes: Uint8Array): Promise<BeginUploadRequest> {
  const sha256 = await sha256Of(bytes);
  return { id: createMessageId(), name: "notes.txt", mediaType: "", size: bytes.length, sha256 };
}

/** Uploads a file and sends it to the same user. @returns the seq of the message */
async function sendFile(server: TestAmqpServer, { ask }: Uploader, bytes: Uint8Array): Promise<number> {
  const announcement = await announce(bytes);
  await ask(messageTypes.beginUpload, BeginUploadRequest.encode(announcement).finish());
  const { id } = announcement;
  for (let offset = 0; offset < bytes.length; offset += 40_000) {
    const chunk = { id, offset, bytes: bytes.slice(offset, offset + 40_000) };
    await ask(messageTypes.uploadChunk, UploadChunkRequest.encode(chunk).finish());
  }
  return (await sendMessage(server.chat, "ana", { to: "ana", id: createMessageId(), text: "", uploadId: id })).seq;
}

function codeOf({ properties, content }: ConsumeMessage): string {
  return properties.type === messageTypes.error ? ErrorMessage.decode(content).code : properties.type;
}

Deno.test("a file is uploaded and downloaded in JSON", async () => {
  await using server = await startTestAmqpServer(broker);
  await using ana = await uploader(server, "ana");
  const bytes = randomBytes(60_000);
  const ask = async (type: string, value: unknown) => {
    const content = new TextEncoder().encode(JSON.stringify(value));
    const reply = await ana.ask(type, content, { contentType: contentTypes.json });
    assert.equal(reply.properties.contentType, contentTypes.json);
    return { type: reply.properties.type, value: JSON.parse(reply.content.toString()) };
  };
  const request = await announce(bytes);
  const { id } = request;
  const announcement = jsonObject("chatd.v1.BeginUploadRequest", BeginUploadRequest.encode(request).finish());
  assert.deepEqual(await ask(messageTypes.beginUpload, announcement), { type: messageTypes.uploadBegun, value: {} });
  for (const offset of [0, 30_000]) {
    const chunk = { id, offset: String(offset), bytes: bytes.slice(offset, offset + 30_000).toBase64() };
    const { value } = await ask(messageTypes.uploadChunk, chunk);
    assert.deepEqual(value, { offset: String(offset + 30_000) });
  }
  const { seq } = await sendMessage(server.chat, "ana", { to: "ana", id: createMessageId(), text: "", uploadId: id });
  const read: Uint8Array[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const { value } = await ask(messageTypes.readChunk, { with: "ana", seq: String(seq), offset: String(offset) });
    assert.equal(value.size, String(bytes.length));
    read.push(Uint8Array.fromBase64(value.bytes));
    offset += read.at(-1)!.length;
  }
  assert.deepEqual(new Uint8Array(read.flatMap((chunk) => [...chunk])), bytes);
  assert.deepEqual((await ask(messageTypes.uploadChunk, { id, offset: 0, chunk: "x" })).value.code, "invalid_argument");
});

Deno.test("requests with a foreign token or an unknown type are refused", async () => {
  await using server = await startTestAmqpServer(broker);
  await using ana = await uploader(server, "ana");
  await using mallory = await uploader(server, "mallory");
  const begin = BeginUploadRequest.encode(await announce(randomBytes(10))).finish();
  const wrong: [string, string, string][] = [
    ["unauthenticated", messageTypes.beginUpload, ana.token],
    ["unauthenticated", messageTypes.beginUpload, "x".repeat(43)],
    ["unauthenticated", messageTypes.beginUpload, ""],
    ["invalid_argument", messageTypes.logIn, mallory.token],
    ["invalid_argument", "constructor", mallory.token],
  ];
  for (const [code, type, token] of wrong) {
    assert.equal(codeOf(await mallory.ask(type, begin, { headers: { [tokenHeader]: token } })), code, type);
  }
  const malformed = await mallory.ask(messageTypes.uploadChunk, new Uint8Array([0xff, 0xff]));
  assert.equal(codeOf(malformed), "invalid_argument");
  await server.chat.accounts.disable("mallory");
  const dead = await ana.ask(messageTypes.beginUpload, begin, { headers: { [tokenHeader]: mallory.token } });
  assert.equal(codeOf(dead), "unauthenticated");
  assert.equal(codeOf(await ana.ask(messageTypes.beginUpload, begin)), messageTypes.uploadBegun);
});

Deno.test("a client that does not acknowledge chunks is sent at most 64, and others are not affected", async () => {
  await using server = await startTestAmqpServer(broker);
  await using ana = await uploader(server, "ana");
  await using ben = await uploader(server, "ben");
  const bytes = randomBytes(50);
  const seq = await sendFile(server, ana, bytes);
  const request = ReadChunkRequest.encode({ with: "ana", seq, offset: 0 }).finish();
  const receipts: string[] = [];
  for (let count = 0; count < 64; count++) {
    const reply = await ana.ask(messageTypes.readChunk, request);
    assert.deepEqual(new Uint8Array(ReadChunkResponse.decode(reply.content).bytes), bytes);
    receipts.push(reply.properties.headers?.[receiptHeader]);
  }
  assert.equal(new Set(receipts).size, 64);
  assert.equal(codeOf(await ana.ask(messageTypes.readChunk, request)), "rate_limited");
  const begin = BeginUploadRequest.encode(await announce(bytes)).finish();
  const others = { headers: { [receiptHeader]: receipts.slice(0, 2).join(" ") } };
  const { properties, content } = await ben.ask(messageTypes.beginUpload, begin, others);
  assert.deepEqual([properties.type, BeginUploadResponse.decode(content)], [messageTypes.uploadBegun, { offset: 0 }]);
  assert.equal(codeOf(await ana.ask(messageTypes.readChunk, request)), "rate_limited");
  const said = { headers: { [receiptHeader]: `${receipts[3]} no-receipt ${receipts[9]}` } };
  for (const more of [said, {}]) {
    assert.equal(codeOf(await ana.ask(messageTypes.readChunk, request, more)), messageTypes.chunkRead);
  }
  assert.equal(codeOf(await ana.ask(messageTypes.readChunk, request)), "rate_limited");
});

Deno.test("a client that floods the queue of files is disconnected, and others' files continue", async () => {
  const thrownOff: string[] = [];
  await using server = await startTestAmqpServer(broker, {
    kick: ({ user }) => void thrownOff.push(user),
    fileFlood: { perSecond: 1, burst: 50 },
  });
  await using ana = await uploader(server, "ana");
  await using account = await uploader(server, "mallory");
  await using mallory = await RawAmqpClient.connect(broker.node.amqpUrl("mallory", account.token));
  const deadline = performance.now() + standardDeadlineMs;
  while (thrownOff.length === 0) {
    assert.ok(performance.now() < deadline, "nobody was thrown off");
    await Promise.all(Array.from({ length: 100 }, () => mallory.publish(new Uint8Array(1_000), {}, fileExchange)));
  }
  assert.deepEqual(new Set(thrownOff), new Set(["mallory"]));
  const bytes = randomBytes(100_000);
  const seq = await sendFile(server, ana, bytes);
  const reply = await ana.ask(
    messageTypes.readChunk,
    ReadChunkRequest.encode({ with: "ana", seq, offset: 0 }).finish(),
  );
  assert.equal(codeOf(reply), messageTypes.chunkRead);
});

Deno.test("unacknowledged chunks stop counting after a minute", () => {
  const unread = new UnreadChunks();
  for (let count = 0; count < 64; count++) unread.issueReceipt("ana", count);
  throwsWith("rate_limited", () => unread.issueReceipt("ana", 59_999));
  unread.issueReceipt("ben", 59_999);
  const receipts = [unread.issueReceipt("ana", 60_000)];
  throwsWith("rate_limited", () => unread.issueReceipt("ana", 60_000));
  unread.acknowledge("ana", receipts);
  unread.issueReceipt("ana", 60_000);
  assert.equal(unread.users, 2);
});
