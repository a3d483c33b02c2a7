import assert from "node:assert/strict";
import { type ConfirmChannel, connect } from "amqplib";
import {
  fileExchange,
  registrationExchange,
  registrationUser,
  requestExchange,
  requestQueue,
} from "../../src/amqp/topology.ts";
import type { Log } from "../../src/core/log.ts";
import { startTestAmqpServer, startTestBroker } from "../support/amqp_server.ts";
import { connectAs } from "../support/amqp_user.ts";
import { eventually } from "../support/eventually.ts";
import { join, until } from "../support/person.ts";
import { counted, nestedTable, publishRaw, shortText, tagged } from "../support/raw_frames.ts";

const broker = await startTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

Deno.test("headers nested thousands deep, which would overflow the server's stack, end nobody's session", async () => {
  const warnings: string[] = [];
  const log: Log = {
    info() {},
    warn: (event) => void warnings.push(event),
    error: (event) => void warnings.push(event),
  };
  await using chatd = await startTestAmqpServer(broker, { log });
  const ana = await join("ana", chatd.transport("ana"));
  const ben = await join("ben", chatd.transport("ben"));
  const password = "correct horse battery";
  await chatd.transport("mallory").register({ user: "mallory", password, invite: "", deviceName: "" }, {});
  for (const depth of [10, 1_000, 5_000, 15_000]) {
    const model = await connect(broker.node.amqpUrl("mallory", password), { noDelay: true });
    model.on("error", () => {});
    const closed = new Promise((resolve) => model.on("close", resolve));
    const channel: ConfirmChannel = await model.createConfirmChannel();
    channel.on("error", () => {});
    publishRaw(model, 1, {
      exchange: requestExchange,
      routingKey: requestQueue,
      user: "mallory",
      headers: nestedTable(depth),
    });
    // What comes through has arrived at the server when what follows it has an answer.
    const answered = channel.consume("amq.rabbitmq.reply-to", () => void model.close().catch(() => {}), { noAck: true })
      .then(() =>
        channel.publish(requestExchange, requestQueue, Buffer.from([0xff]), {
          userId: "mallory",
          replyTo: "amq.rabbitmq.reply-to",
        })
      ).catch(() => {});
    await answered;
    await Promise.race([closed, until(() => warnings.length > 0)]);
    assert.deepEqual(warnings, []);
  }
  await ana.client.send("ben", "still here");
  await until(() => ben.received.length === 1);
  assert.equal(chatd.server.sessions, 2);
  await Promise.all([ana.stop(), ben.stop()]);
});

Deno.test("a header of the type L, from an account or a stranger, ends nobody's session", async () => {
  const warnings: string[] = [];
  const log: Log = {
    info() {},
    warn: (event) => void warnings.push(event),
    error: (event) => void warnings.push(event),
  };
  await using chatd = await startTestAmqpServer(broker, { log });
  const ana = await join("ana", chatd.transport("ana"));
  const ben = await join("ben", chatd.transport("ben"));
  const password = "correct horse battery";
  await chatd.chat.accounts.addUser({ name: "mallory", password });
  const headers = counted(Buffer.concat([shortText("big"), tagged("L", Buffer.alloc(8, 1))]));
  for (
    const [user, secret, exchange] of [
      ["mallory", password, requestExchange],
      ["mallory", password, fileExchange],
      [registrationUser, "open", registrationExchange],
    ]
  ) {
    await using attacker = await connectAs(broker.node.amqpUrl(user, secret));
    const channel = await attacker.model.createConfirmChannel();
    for (let number = 0; number < 20; number++) {
      publishRaw(attacker.model, 1, { exchange, routingKey: exchange, user, headers });
    }
    await channel.close();
  }
  const served = async () => {
    await using own = await connectAs(broker.node.amqpUrl());
    const channel = await own.model.createChannel();
    const counts = [requestQueue, fileExchange, registrationExchange].map((queue) => channel.checkQueue(queue));
    return (await Promise.all(counts)).every(({ messageCount }) => messageCount === 0);
  };
  await eventually(served, () => "empty queues");
  await ana.client.send("ben", "still here");
  await until(() => ben.received.length === 1);
  assert.equal(chatd.server.sessions, 2);
  assert.deepEqual(warnings, []);
  await Promise.all([ana.stop(), ben.stop()]);
});

Deno.test("a message whose headers cannot be decoded is thrown away for good, and its sender is thrown out", async () => {
  await using longFrames = await startTestBroker({ config: ["frame_max = 131072"] });
  const kicked: string[] = [];
  await using chatd = await startTestAmqpServer(longFrames, { kick: ({ user }) => void kicked.push(user) });
  const ana = await join("ana", chatd.transport("ana"));
  const ben = await join("ben", chatd.transport("ben"));
  const password = "correct horse battery";
  await chatd.chat.accounts.addUser({ name: "mallory", password });
  await using mallory = await connectAs(longFrames.node.amqpUrl("mallory", password));
  await mallory.model.createChannel();
  const headers = nestedTable(15_000);
  publishRaw(mallory.model, 1, { exchange: requestExchange, routingKey: requestQueue, user: "mallory", headers });
  await eventually(() => kicked.length > 0, () => "mallory thrown out");
  await ana.client.send("ben", "still here");
  await until(() => ben.received.length === 1);
  assert.deepEqual(kicked, ["mallory"]);
  assert.equal(chatd.server.sessions, 2);
  await Promise.all([ana.stop(), ben.stop()]);
});
