import assert from "node:assert/strict";
import { connect } from "node:net";
import type { Channel, Options } from "amqplib";
import { directReplies, requestExchange, requestQueue } from "../../../src/amqp/topology.ts";
import { type AmqpUser, connectAs } from "../../support/brokers/amqp_user.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { methodFrame, RawBrokerSocket } from "../../support/brokers/raw_broker_socket.ts";
import { publishFrames } from "../../support/brokers/raw_frames.ts";
import { assertGrowth, memory, password, Scene } from "./scene.ts";

/** Publishes to the exchange of requests and reads nothing until it is disposed of. */
class UnreadPublisher implements AsyncDisposable {
  readonly user: AmqpUser;
  readonly #name: string;
  readonly #channel: Channel;
  readonly #stream: { pause(): void; resume(): void };

  private constructor(name: string, user: AmqpUser, channel: Channel) {
    this.user = user;
    this.#name = name;
    this.#channel = channel;
    this.#stream = (user.model.connection as unknown as { stream: { pause(): void; resume(): void } }).stream;
  }

  static async connect({ broker: { node } }: Scene, name: string): Promise<UnreadPublisher> {
    const user = await connectAs(node.amqpUrl(name, password));
    const channel = await user.model.createChannel();
    channel.on("error", () => {});
    await channel.consume(directReplies, () => {}, { noAck: true });
    const publisher = new UnreadPublisher(name, user, channel);
    publisher.#stream.pause();
    return publisher;
  }

  /** Stops when the connection has ended. */
  publish(routingKey: string, { bytes, count, ...options }: Options.Publish & { bytes: number; count: number }): void {
    const content = Buffer.alloc(bytes, 0xff);
    for (let number = 0; number < count && this.user.isOpen; number++) {
      try {
        this.#channel.publish(requestExchange, routingKey, content, { userId: this.#name, ...options });
      } catch {
        return;
      }
    }
  }

  /** Reads again, as amqplib hears of the end of a connection only by reading. */
  resume(): void {
    this.#stream.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resume();
    await this.user[Symbol.asyncDispose]();
  }
}

Deno.test("a hostile client fills the memory of the broker, and others go on", async (t) => {
  await using scene = await Scene.open();
  const step = scene.steps(t);
  const { broker: { node, authPort } } = scene;

  await step("leaves the replies to its refused requests unread, and is thrown out", async () => {
    const before = memory(node.pid);
    await using trudy = await UnreadPublisher.connect(scene, "trudy");
    for (let round = 0; round < 30; round++) {
      trudy.publish(requestQueue, { bytes: 1, count: 100, replyTo: directReplies });
      await scene.chatGoesOn();
    }
    assertGrowth(before, memory(node.pid));
    trudy.resume();
    await eventually(() => !trudy.user.isOpen, () => "the connection is closed");
  });

  await step("publishes to keys of no queue and reads nothing, and no message comes back", async () => {
    await using nick = await UnreadPublisher.connect(scene, "nick");
    for (let round = 0; round < 20; round++) {
      nick.publish("nowhere", { bytes: 4_096, count: 100, mandatory: true });
      await scene.chatGoesOn();
    }
  });

  await step("opens a transaction and never commits it, and is thrown out", async () => {
    const before = memory(node.pid);
    using mallory = new RawBrokerSocket(node.amqpPort, { user: "mallory", password });
    // tx.select, which amqplib does not know.
    mallory.write(methodFrame(1, [90, 10]));
    const message = { exchange: requestExchange, routingKey: requestQueue, user: "mallory", headers: Buffer.alloc(4) };
    for (let number = 0; number < 200; number++) mallory.write(publishFrames(1, message));
    await scene.chatGoesOn();
    await eventually(() => mallory.isClosed, () => "the connection is closed");
    await assert.rejects(connectAs(node.amqpUrl("mallory", password)), /Expected ConnectionOpenOk/);
    assertGrowth(before, memory(node.pid));
  });

  await step("holds connections to the port where the broker asks, without its secret", async () => {
    const login = await scene.paceOfLogin("ana");
    const sockets = Array.from({ length: 300 }, () => connect(authPort, "127.0.0.1").on("error", () => {}));
    try {
      for (const socket of sockets) socket.write("POST /no-secret/user HTTP/1.1\r\nX-Slow: ");
      await login.assertKeptUnderLoad();
      await scene.chatGoesOn();
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});
