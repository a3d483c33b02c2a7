// The broker keeps direct replies without a limit for a client that does not read them.
import assert from "node:assert/strict";
import { tokenHeader } from "../../../src/amqp/incoming.ts";
import { messageTypes } from "../../../src/amqp/message_types.ts";
import { droppedRepliesOfSender, repliesOfSender, ReplyBudget } from "../../../src/amqp/server/reply_budget.ts";
import { minPaidChunkBytes, UploadReplies } from "../../../src/amqp/server/upload_replies.ts";
import { fileExchange } from "../../../src/amqp/topology.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { BeginUploadRequest, UploadChunkRequest, UploadChunkResponse } from "../../../src/gen/chatd/v1/files.ts";
import { startTestAmqpServer } from "../../support/brokers/amqp_server.ts";
import { localPort } from "../../support/brokers/amqp_user.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { randomBytes, sha256Of } from "../../support/checks/files.ts";
import { RawAmqpClient } from "../../support/brokers/raw_amqp_client.ts";
import { borrowTestBroker } from "../../support/brokers/borrowed_broker.ts";
const password = "correct horse battery";

Deno.test("repeatedly refused requests get no reply in the end, and then their connection is closed", async () => {
  await using broker = await borrowTestBroker();
  const closed: string[] = [];
  const kicked: string[] = [];
  await using chatd = await startTestAmqpServer(broker, {
    kick: ({ user }) => void kicked.push(user),
    closeConnection: (name) => void closed.push(name),
  });
  await chatd.chat.accounts.addUser({ name: "mallory", password });
  await using mallory = await RawAmqpClient.connect(broker.node.amqpUrl("mallory", password));
  let asked = 0;
  while (closed.length === 0 && asked < 20_000) {
    await Promise.all(Array.from({ length: 100 }, () => mallory.publish(new Uint8Array([0xff]))));
    asked += 100;
  }
  await eventually(() => closed.length > 0, () => "a connection to be closed");
  assert.equal(closed[0], `127.0.0.1:${localPort(mallory.connection.model)} -> 127.0.0.1:${broker.node.amqpPort}`);
  assert.deepEqual(kicked, []);
  assert.ok(asked >= repliesOfSender.burst + droppedRepliesOfSender.burst);
  assert.ok(mallory.replies.length < asked / 2, `${mallory.replies.length} replies to ${asked} requests`);
});

Deno.test("uploads without progress get no reply in the end, and a chunk that makes progress does", async () => {
  await using broker = await borrowTestBroker();
  await using chatd = await startTestAmqpServer(broker);
  await chatd.chat.accounts.addUser({ name: "mallory", password });
  const { token } = await chatd.chat.accounts.logIn({
    user: "mallory",
    password,
    deviceName: "",
    deviceId: "",
    address: "test",
  });
  await using mallory = await RawAmqpClient.connect(broker.node.amqpUrl("mallory", token));
  const options = (type: string) => ({ type, headers: { [tokenHeader]: token } });
  const bytes = randomBytes(3 * minPaidChunkBytes);
  const upload = { id: createMessageId(), name: "notes.txt", mediaType: "", size: bytes.length };
  const begin = BeginUploadRequest.encode({ ...upload, sha256: await sha256Of(bytes) }).finish();
  await mallory.ask(begin, options(messageTypes.beginUpload), fileExchange);
  const chunk = (offset: number, length: number) =>
    UploadChunkRequest.encode({ id: upload.id, offset, bytes: bytes.slice(offset, offset + length) }).finish();
  for (let asked = 0; asked < 2 * repliesOfSender.burst; asked++) {
    await mallory.publish(chunk(1, 1), options(messageTypes.uploadChunk), fileExchange);
  }
  const paid = await mallory.ask(chunk(0, minPaidChunkBytes), options(messageTypes.uploadChunk), fileExchange);
  assert.equal(UploadChunkResponse.decode(paid.content).offset, minPaidChunkBytes);
  assert.ok(mallory.replies.length < 1.5 * repliesOfSender.burst, `${mallory.replies.length} replies`);
});

Deno.test("a reply to a chunk is paid for once, by a large enough chunk", () => {
  const replies = new UploadReplies();
  const isPaid = (length: number, offset: number) => replies.isPaid("ana", { id: "1", length, offset });
  assert.deepEqual([isPaid(minPaidChunkBytes - 1, 1), isPaid(minPaidChunkBytes, 0)], [false, false]);
  assert.deepEqual([isPaid(minPaidChunkBytes, 20_000), isPaid(minPaidChunkBytes, 20_000)], [true, false]);
  assert.ok(isPaid(minPaidChunkBytes, 40_000));
  assert.ok(replies.isPaid("ben", { id: "1", length: minPaidChunkBytes, offset: 20_000 }));
});

Deno.test("the budget of replies is refilled, and each sender has its own", () => {
  const budget = new ReplyBudget();
  const spend = (count: number, now: number) => {
    const verdicts = Array.from({ length: count }, () => budget.spend("mallory", now));
    return verdicts.filter((verdict) => verdict === "send").length;
  };
  assert.equal(spend(repliesOfSender.burst + droppedRepliesOfSender.burst, 0), repliesOfSender.burst);
  assert.equal(budget.spend("mallory", 0), "close");
  assert.equal(budget.spend("ana", 0), "send");
  assert.equal(spend(100, 10_000), 10 * repliesOfSender.perSecond);
});
