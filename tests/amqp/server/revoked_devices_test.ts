/** The fate of a connection to the broker whose device is logged out. */
import assert from "node:assert/strict";
import { connectionHeader } from "../../../src/amqp/incoming.ts";
import { startTestAmqpServer, type TestAmqpServer } from "../../support/brokers/amqp_server.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { startManagedServer } from "../../support/brokers/managed_broker.ts";
import { RawAmqpClient } from "../../support/brokers/raw_amqp_client.ts";
import { helloWith } from "../../support/servers/test_session.ts";
import { borrowTestBroker } from "../../support/brokers/borrowed_broker.ts";

const password = "correct horse battery";
const broker = await borrowTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

async function start() {
  const server = await startManagedServer(broker);
  await server.chatd.chat.accounts.addUser({ name: "ana", password });
  return server;
}

/** A foreign client with a session, and the connection name in its hello. */
async function join({ chat: { accounts } }: TestAmqpServer, headers: Record<string, string> = {}) {
  const credentials = await accounts.logIn({ user: "ana", password, deviceName: "", deviceId: "", address: "test" });
  const { token } = credentials;
  const client = await RawAmqpClient.connect(broker.node.amqpUrl("ana", token), headers[connectionHeader]);
  const hello = client.frame({ $case: "hello", value: helloWith(token) });
  await client.ask(hello, { headers });
  return { client, token };
}

Deno.test("the connection of a revoked device is closed even if its client named none, and the user's others stay", async () => {
  await using scene = await start();
  const { chatd } = scene;
  const { client: lost, token } = await join(chatd);
  await using _lost = lost;
  const { client: kept } = await join(chatd);
  await using _kept = kept;
  await chatd.chat.accounts.logOut(await chatd.chat.accounts.authenticate(token));
  await eventually(() => !lost.connection.isOpen, () => "the connection is closed");
  assert.match(await lost.connection.closed, /CONNECTION.FORCED/);
  await (await kept.connection.model.createChannel()).close();
  assert.ok(kept.connection.isOpen);
});

Deno.test("the connection of a revoked device is closed even if its client gives the name of another one", async () => {
  await using scene = await start();
  const { chatd } = scene;
  const { client: kept } = await join(chatd, { [connectionHeader]: "kept" });
  await using _kept = kept;
  const { client: lost, token } = await join(chatd, { [connectionHeader]: "kept" });
  await using _lost = lost;
  await chatd.chat.accounts.logOut(await chatd.chat.accounts.authenticate(token));
  await eventually(() => !lost.connection.isOpen, () => "the connection is closed");
  assert.match(await lost.connection.closed, /CONNECTION.FORCED/);
});

Deno.test("all connections of a user are closed when the revoked device's connection is unknown", async () => {
  const kicked: unknown[] = [];
  // The channel is older than the server, so the broker did not report it.
  const client = await (async () => {
    await using before = await startTestAmqpServer(broker);
    await before.chat.accounts.addUser({ name: "ana", password });
    return await RawAmqpClient.connect(broker.node.amqpUrl("ana", password));
  })();
  await using _closing = client;
  await using chatd = await startTestAmqpServer(broker, { kick: (target) => void kicked.push(target) });
  const { accounts } = chatd.chat;
  await accounts.addUser({ name: "ana", password });
  const { token } = await accounts.logIn({ user: "ana", password, deviceName: "", deviceId: "", address: "test" });
  assert.ok(await client.hello(token));
  await accounts.logOut(await accounts.authenticate(token));
  await eventually(() => kicked.length > 0, () => "a kick");
  assert.deepEqual(kicked, [{ user: "ana", connection: undefined }]);
});
