import assert from "node:assert/strict";
import type { ConfirmChannel, ConsumeMessage } from "amqplib";
import { BrokerManagement } from "../../../src/amqp/broker/broker_management.ts";
import { messageTypes } from "../../../src/amqp/message_types.ts";
import {
  directReplies,
  registrationExchange,
  registrationQueue,
  registrationUser,
} from "../../../src/amqp/topology.ts";
import { silentLog } from "../../../src/core/log.ts";
import { RegisterRequest } from "../../../src/gen/chatd/v1/auth.ts";
import { Error as ErrorMessage } from "../../../src/gen/chatd/v1/session.ts";
import { startTestAmqpServer } from "../../support/brokers/amqp_server.ts";
import { connectAs, localPort } from "../../support/brokers/amqp_user.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { join, until } from "../../support/servers/person.ts";
import { borrowTestBroker } from "../../support/brokers/borrowed_broker.ts";

const broker = await borrowTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

const password = "correct horse battery";

/** Sends a registration on a new channel. @returns the error's code, or "registered" */
async function register(channel: ConfirmChannel, user: string): Promise<string> {
  const answers: ConsumeMessage[] = [];
  const { consumerTag } = await channel.consume(directReplies, (answer) => void (answer && answers.push(answer)), {
    noAck: true,
  });
  const content = RegisterRequest.encode({ user, password, invite: "", deviceName: "" }).finish();
  channel.publish(registrationExchange, registrationQueue, Buffer.from(content), {
    userId: registrationUser,
    replyTo: directReplies,
    type: messageTypes.register,
  });
  await eventually(() => answers.length > 0, () => "an answer");
  // A new consumer has a new address of the same channel.
  await channel.cancel(consumerTag);
  const [{ properties, content: bytes }] = answers;
  return properties.type === messageTypes.registered ? "registered" : ErrorMessage.decode(bytes).code;
}

Deno.test("a connection has one registration, whatever its channels and their addresses", async () => {
  const closed: string[] = [];
  await using chatd = await startTestAmqpServer(broker, { closeConnection: (name) => void closed.push(name) });
  await using stranger = await connectAs(broker.node.amqpUrl(registrationUser, "open"));
  const channel = await stranger.model.createConfirmChannel();
  assert.equal(await register(channel, "victor"), "registered");
  assert.equal(await register(channel, "walter"), "limit_reached");
  for (let number = 0; number < 10; number++) {
    const another = await stranger.model.createConfirmChannel();
    assert.equal(await register(another, "walter"), "limit_reached");
    await another.close();
  }
  assert.equal(await chatd.chat.accounts.findUser("walter"), undefined);
  assert.deepEqual([...new Set(closed)], [
    `127.0.0.1:${localPort(stranger.model)} -> 127.0.0.1:${broker.node.amqpPort}`,
  ]);
  await using honest = await connectAs(broker.node.amqpUrl(registrationUser, "open"));
  assert.equal(await register(await honest.model.createConfirmChannel(), "walter"), "registered");
});

Deno.test("concurrent registrations on the channels of one connection count as one", async () => {
  await using chatd = await startTestAmqpServer(broker);
  await using stranger = await connectAs(broker.node.amqpUrl(registrationUser, "open"));
  const channels = await Promise.all(Array.from({ length: 4 }, () => stranger.model.createConfirmChannel()));
  const answers = await Promise.all(channels.map((channel, number) => register(channel, `user${number}`)));
  assert.deepEqual(answers.toSorted(), ["limit_reached", "limit_reached", "limit_reached", "registered"]);
  assert.equal(chatd.server.sessions, 0);
});

Deno.test("losing the connection for registrations ends no session, and a new one takes registrations", async () => {
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (event: string) => void warnings.push(event) };
  await using chatd = await startTestAmqpServer(broker, { log });
  const { node } = broker;
  const login = { user: node.user, password: node.password };
  await using management = new BrokerManagement({ url: node.managementUrl, login, log: silentLog });
  const [ana, ben] = [await join("ana", chatd.transport("ana")), await join("ben", chatd.transport("ben"))];
  const name = async () => {
    const listed = await management.get("/api/connections?columns=name,user_provided_name");
    return (listed as Record<string, string>[])
      .find(({ user_provided_name: called }) => called === "chatd server, registrations")?.name;
  };
  await eventually(async () => await name() !== undefined, () => "the broker lists the connection");
  await management.closeConnection((await name())!);
  await eventually(() => warnings.includes("the connection for registrations was lost"));
  await using stranger = await connectAs(node.amqpUrl(registrationUser, "open"));
  assert.equal(await register(await stranger.model.createConfirmChannel(), "xavier"), "registered");
  await ana.client.send("ben", "goes on");
  await until(() => ben.received.length === 1);
  assert.deepEqual(warnings, ["the connection for registrations was lost"]);
  assert.equal(chatd.server.sessions, 2);
  await Promise.all([ana.stop(), ben.stop()]);
});

Deno.test("a server without registration leaves the queue of registrations alone", async () => {
  await using _chatd = await startTestAmqpServer(broker, { registers: false });
  await using own = await connectAs(broker.node.amqpUrl());
  const channel = await own.model.createChannel();
  assert.equal((await channel.checkQueue(registrationQueue)).consumerCount, 0);
});
