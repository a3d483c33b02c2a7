// RabbitMQ closes a connection that publishes to a forged direct-reply address.
import assert from "node:assert/strict";
import { messageTypes } from "../../../src/amqp/message_types.ts";
import { directReplies, registrationExchange, requestExchange } from "../../../src/amqp/topology.ts";
import { silentLog } from "../../../src/core/log.ts";
import { RegisterRequest } from "../../../src/gen/chatd/v1/auth.ts";
import { startTestAmqpServer } from "../../support/brokers/amqp_server.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { join, until } from "../../support/servers/person.ts";
import { RawAmqpClient } from "../../support/brokers/raw_amqp_client.ts";
import { borrowTestBroker } from "../../support/brokers/borrowed_broker.ts";

const password = "correct horse battery";
const broker = await borrowTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

/** A process of this broker, as in its direct-reply addresses, and a key. */
async function genuineAddress(): Promise<{ process: Buffer; key: string }> {
  await using own = await RawAmqpClient.connect(broker.node.amqpUrl());
  const channel = await own.connection.model.createChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  const found = Promise.withResolvers<string>();
  await channel.consume(queue, (message) => found.resolve(message!.properties.replyTo), { noAck: true });
  await channel.consume(directReplies, () => {}, { noAck: true });
  channel.publish("", queue, Buffer.alloc(0), { replyTo: directReplies });
  const [process, key] = (await found.promise).slice(directReplies.length + 1).split(".");
  return { process: Buffer.from(process, "base64"), key };
}

function patched(process: Buffer, change: (copy: Buffer) => void): string {
  const copy = Buffer.from(process);
  change(copy);
  return copy.toString("base64");
}

Deno.test("a forged reply address costs no other user their session", async () => {
  const warnings: string[] = [];
  const kicked: string[] = [];
  const log = { ...silentLog, warn: (event: string) => void warnings.push(event) };
  await using chatd = await startTestAmqpServer(broker, { log, kick: ({ user }) => void kicked.push(user) });
  const [ana, ben] = [await join("ana", chatd.transport("ana")), await join("ben", chatd.transport("ben"))];
  await chatd.chat.accounts.addUser({ name: "mallory", password });
  const { process, key } = await genuineAddress();
  const filtered = [
    "AAAA.BBBB",
    "%%%.key",
    ".",
    `${process.toString("base64")}.%%%`,
    `${process.toString("base64")}`,
    `${process.toString("base64").slice(0, 20)}.${key}`,
    `${process.subarray(0, 10).toString("base64")}.${key}`,
    `${patched(process, (copy) => copy[10] ^= 1)}.${key}`,
    `${patched(process, (copy) => copy[copy.length - 1] ^= 1)}.${key}`,
  ];
  // The broker would close a connection that publishes to this address.
  const undetected = `${patched(process, (copy) => copy.fill(0xff, copy.length - 12, copy.length - 4))}.${key}`;
  const register = RegisterRequest.encode({ user: "x", password: "", invite: "", deviceName: "" }).finish();
  await using mallory = await RawAmqpClient.connect(broker.node.amqpUrl("mallory", password));
  await using stranger = await RawAmqpClient.connect(broker.node.amqpUrl("register", "open"));
  const forge = async (address: string) => {
    const replyTo = `${directReplies}.${address}`;
    await mallory.publish(new Uint8Array([0xff]), { replyTo }, requestExchange);
    await stranger.publish(register, { replyTo, type: messageTypes.register }, registrationExchange);
  };
  for (const address of filtered) await forge(address);
  // Both queues are served in order, so replies to the last messages prove that all were handled.
  await mallory.ask(new Uint8Array([0xff]));
  await stranger.ask(register, { type: messageTypes.register }, registrationExchange);
  assert.equal(warnings.join(), "");
  for (let round = 1; round <= 3; round++) {
    await forge(undetected);
    await mallory.ask(new Uint8Array([0xff]));
    await ana.client.send("ben", `round ${round}`);
    await until(() => ben.received.length === round);
  }
  await eventually(() => kicked.includes("mallory"), () => "mallory thrown out");
  assert.ok(!kicked.includes("register"));
  assert.deepEqual([...new Set(warnings)], ["forged reply_to"]);
  assert.equal(chatd.server.sessions, 2);
  await Promise.all([ana.stop(), ben.stop()]);
});

Deno.test("addresses patched by a client that knows its key are not used, and cost others nothing", async () => {
  const warnings: string[] = [];
  const kicked: string[] = [];
  const log = { ...silentLog, warn: (event: string) => void warnings.push(event) };
  await using chatd = await startTestAmqpServer(broker, { log, kick: ({ user }) => void kicked.push(user) });
  const ana = await join("ana", chatd.transport("ana"));
  for (const name of ["mallory", "trudy"]) await chatd.chat.accounts.addUser({ name, password });
  await using mallory = await RawAmqpClient.connect(broker.node.amqpUrl("mallory", password));
  await using trudy = await RawAmqpClient.connect(broker.node.amqpUrl("trudy", password));
  const own = await mallory.ownAddress(broker.node.amqpUrl());
  const [name, key] = own.slice(directReplies.length + 1).split(".");
  const impossible = (number: number) => {
    const process = patched(
      Buffer.from(name, "base64"),
      (copy) => copy.writeUInt32BE(2 ** 32 - number, copy.length - 12),
    );
    return `${directReplies}.${process}.${key}`;
  };
  // An address is accepted when its owner uses it.
  await mallory.publish(new Uint8Array([0xff]), { replyTo: own, correlationId: "own" });
  await eventually(() => mallory.replies.some(({ properties }) => properties.correlationId === "own"));
  const theirs = await trudy.ownAddress(broker.node.amqpUrl());
  for (let number = 1; number <= 300; number++) {
    await mallory.publish(new Uint8Array([0xff]), { replyTo: impossible(number) });
    if (number % 100 === 0) {
      const ben = await join(`ben${number}`, chatd.transport(`ben${number}`));
      await ana.client.send(`ben${number}`, "goes on");
      await until(() => ben.received.length === 1);
      await ben.stop();
    }
  }
  await mallory.publish(new Uint8Array([0xff]), { replyTo: theirs });
  await eventually(() => kicked.includes("mallory"), () => "mallory thrown out");
  // Later requests on the same queue are answered.
  await trudy.ask(new Uint8Array([0xff]));
  // One reply is for the request that revealed the address.
  assert.equal(trudy.replies.length, 2);
  assert.deepEqual([...new Set(warnings)], ["forged reply_to"]);
  assert.ok(warnings.length <= 12, `${warnings.length} lines in the log`);
  assert.deepEqual([...new Set(kicked)], ["mallory"]);
  await ana.stop();
});
