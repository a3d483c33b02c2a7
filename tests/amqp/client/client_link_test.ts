// A client's end of a session, with the test as the server.
import assert from "node:assert/strict";
import type { Channel, ConfirmChannel, GetMessage } from "amqplib";
import { AmqpLink } from "../../../src/amqp/client/client_link.ts";
import { BrokerConnection } from "../../../src/amqp/connection/broker_connection.ts";
import { sequenceHeader, sessionHeader, sessionQueueHeader } from "../../../src/amqp/incoming.ts";
import { requestExchange, requestQueue } from "../../../src/amqp/topology.ts";
import { ClientFrame, ServerFrame } from "../../../src/gen/chatd/v1/session.ts";
import { connectAs } from "../../support/brokers/amqp_user.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { helloWith } from "../../support/servers/test_session.ts";
import { borrowOpenBroker } from "../../support/brokers/borrowed_broker.ts";

const broker = await borrowOpenBroker();
const { node } = broker;
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

const queue = "chatd.session.ana.0";
const pong = (requestId: number) =>
  ServerFrame.encode({
    items: [{ kind: { $case: "reply", value: { requestId, result: { $case: "ping", value: {} } } } }],
    through: 0,
    receipt: 0,
  }).finish();
const ping = (id: number) => ClientFrame.encode({ requests: [{ id, kind: { $case: "ping", value: {} } }] }).finish();

/** A server whose queue holds one request, and a link whose hello it answered. */
class Scene implements AsyncDisposable {
  readonly link: AmqpLink;
  readonly #channel: Channel;
  readonly #close: () => Promise<void>;
  /** Number of times the client tried to publish a message. */
  offers = 0;

  private constructor(channel: Channel, close: () => Promise<void>) {
    this.#channel = channel;
    this.#close = close;
    this.link = new AmqpLink({
      signal: undefined,
      explain: (error) => Promise.resolve(error),
      open: async (_token, { name, signal }) =>
        this.#counted(
          await BrokerConnection.open({
            broker: { tls: false, host: "127.0.0.1", port: node.amqpPort, vhost: "/" },
            login: { user: "ana", password: "any" },
            name,
            signal,
          }),
        ),
    });
  }

  static async open(): Promise<Scene> {
    const server = await connectAs(node.amqpUrl());
    const channel = await server.model.createChannel();
    await channel.assertExchange(requestExchange, "direct", { durable: true });
    await channel.assertQueue(requestQueue, { durable: true, maxLength: 1, overflow: "reject-publish" });
    await channel.bindQueue(requestQueue, requestExchange, requestQueue);
    await channel.assertQueue(queue);
    const scene = new Scene(channel, async () => await server[Symbol.asyncDispose]());
    scene.link.send({ requests: [{ id: 1, kind: { $case: "hello", value: helloWith("token") } }] });
    const { properties } = await scene.next();
    const headers = { [sessionHeader]: "secret", [sessionQueueHeader]: queue };
    const { replyTo, correlationId } = properties;
    channel.publish("", replyTo, Buffer.from(pong(1)), { headers, correlationId, userId: node.user });
    return scene;
  }

  /** The next request waiting in the broker. */
  async next(): Promise<GetMessage> {
    let found: GetMessage | false = false;
    await eventually(async () => (found = await this.#channel.get(requestQueue, { noAck: true })) !== false);
    return found as unknown as GetMessage;
  }

  say(requestId: number, sequence: number | undefined): void {
    const headers = sequence === undefined ? {} : { [sequenceHeader]: sequence };
    this.#channel.publish("", queue, Buffer.from(pong(requestId)), { headers, userId: node.user });
  }

  #counted(connection: BrokerConnection): BrokerConnection {
    const confirmChannel = connection.confirmChannel.bind(connection);
    connection.confirmChannel = async (onClosed): Promise<ConfirmChannel> => {
      const channel = await confirmChannel(onClosed);
      const publish = channel.publish.bind(channel);
      channel.publish = (...args) => {
        this.offers++;
        return publish(...args);
      };
      return channel;
    };
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Makes room for the client's last message.
    await Promise.all([this.link.close(), this.#channel.purgeQueue(requestQueue)]);
    await this.#channel.deleteQueue(requestQueue);
    await this.#channel.deleteQueue(queue);
    await this.#close();
  }
}

Deno.test("messages that the broker refuses are published again until accepted, in order, once, and counted", async () => {
  await using scene = await Scene.open();
  for (let id = 2; id <= 6; id++) {
    scene.link.sendBytes(ping(id));
    // The queue holds one request: the second and later ones are refused until the first is consumed.
    if (id === 3) await eventually(() => scene.offers >= 6, () => "several tries");
  }
  const ids: number[] = [];
  for (let sequence = 1; ids.length < 5; sequence++) {
    const { properties, content } = await scene.next();
    assert.equal(properties.headers?.[sequenceHeader], sequence);
    assert.equal(properties.headers?.[sessionHeader], "secret");
    ids.push(...ClientFrame.decode(content).requests.map(({ id }) => id));
  }
  assert.deepEqual(ids, [2, 3, 4, 5, 6]);
});

Deno.test("a missing frame of the server ends the link before the following one is delivered", async () => {
  await using scene = await Scene.open();
  const frames = scene.link.frames[Symbol.asyncIterator]();
  assert.equal((await frames.next()).done, false);
  scene.say(2, 1);
  assert.equal((await frames.next()).done, false);
  scene.say(4, 3);
  const error = await rejectsWith("unavailable", frames.next());
  assert.match(error.message, /broker lost a message/);
});

Deno.test("frames of a server that does not count them are accepted", async () => {
  await using scene = await Scene.open();
  const frames = scene.link.frames[Symbol.asyncIterator]();
  for (let id = 2; id <= 4; id++) scene.say(id, undefined);
  for (let count = 0; count < 4; count++) assert.equal((await frames.next()).done, false);
});
