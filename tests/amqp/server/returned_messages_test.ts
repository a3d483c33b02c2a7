import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { startAmqpServer } from "../../../src/amqp/server/server.ts";
import {
  fileExchange,
  registrationExchange,
  registrationUser,
  requestExchange,
  requestQueue,
} from "../../../src/amqp/topology.ts";
import { startTestAmqpServer } from "../../support/brokers/amqp_server.ts";
import { connectAs } from "../../support/brokers/amqp_user.ts";
import { join, until } from "../../support/servers/person.ts";
import { borrowTestBroker } from "../../support/brokers/borrowed_broker.ts";

const password = "correct horse battery";
const broker = await borrowTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());
const { node } = broker;

/** Publishes with `mandatory` and unbound routing keys. @returns the number of returned messages */
async function countReturns(url: string, exchange: string): Promise<number> {
  await using client = await connectAs(url);
  const channel = await client.model.createConfirmChannel();
  let returns = 0;
  channel.on("return", () => returns++);
  for (const key of ["nowhere", "", `${exchange}.`, "#", "x".repeat(255)]) {
    channel.publish(exchange, key, Buffer.alloc(1), { mandatory: true });
  }
  // The broker returns a message before it confirms it.
  await channel.waitForConfirms();
  await channel.close();
  return returns;
}

Deno.test("the broker returns no message to an account or a stranger, whatever the routing key", async () => {
  await using chatd = await startTestAmqpServer(broker);
  await chatd.chat.accounts.addUser({ name: "mallory", password });
  const account = node.amqpUrl("mallory", password);
  const stranger = node.amqpUrl(registrationUser, "open");
  assert.equal(await countReturns(account, requestExchange), 0);
  assert.equal(await countReturns(account, fileExchange), 0);
  assert.equal(await countReturns(stranger, registrationExchange), 0);
});

Deno.test("a server does not replace the direct exchanges of an older running server", async () => {
  await using chatd = await startTestAmqpServer(broker);
  await chatd.server.close({ deadlineMs: 0 });
  await using own = await connectAs(node.amqpUrl());
  const channel = await own.model.createChannel();
  await channel.deleteExchange(requestExchange);
  await channel.assertExchange(requestExchange, "direct", { durable: true });
  await channel.consume(requestQueue, () => {}, { exclusive: true });
  await assert.rejects(startAmqpServer(chatd.serverOptions), /Another chatd server already consumes/);
  await channel.assertExchange(requestExchange, "direct", { durable: true });
});

Deno.test("a server replaces the direct exchanges of an older server, and users chat over them", async () => {
  await using own = await connectAs(node.amqpUrl());
  const channel = await own.model.createChannel();
  for (const exchange of [requestExchange, fileExchange, registrationExchange]) {
    await channel.deleteExchange(exchange);
    await channel.assertExchange(exchange, "direct", { durable: true });
    await channel.bindQueue(exchange, exchange, exchange);
  }
  await using chatd = await startTestAmqpServer(broker);
  await chatd.chat.accounts.addUser({ name: "trudy", password });
  const url = node.amqpUrl("trudy", password);
  assert.equal(await countReturns(url, requestExchange) + await countReturns(url, fileExchange), 0);
  const [ana, ben] = [await join("ana", chatd.transport("ana")), await join("ben", chatd.transport("ben"))];
  await ana.client.send("ben", "over the new exchange");
  await until(() => ben.received.length === 1);
  await Promise.all([ana.stop(), ben.stop()]);
  const { messageCount } = await channel.checkQueue(requestQueue);
  assert.equal(messageCount, 0);
});
