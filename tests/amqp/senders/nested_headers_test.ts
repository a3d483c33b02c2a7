import assert from "node:assert/strict";
import { connect } from "amqplib";
import {
  directReplies,
  fileExchange,
  registrationExchange,
  registrationUser,
  requestExchange,
  requestQueue,
} from "../../../src/amqp/topology.ts";
import type { Log } from "../../../src/core/log.ts";
import { startTestAmqpServer, startTestBroker, type TestBroker } from "../../support/brokers/amqp_server.ts";
import { connectAs } from "../../support/brokers/amqp_user.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { join, until } from "../../support/servers/person.ts";
import { counted, nestedTable, publishRaw, shortText, tagged } from "../../support/brokers/raw_frames.ts";
import { borrowTestBroker } from "../../support/brokers/borrowed_broker.ts";

const password = "correct horse battery";
const broker = await borrowTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

interface Attacked {
  /** Events of warnings and errors in the server's log. */
  readonly warnings: readonly string[];
  /** Users whose connections the server had closed. */
  readonly kicked: readonly string[];
}

/** Attacks a server with the account "mallory" while two others chat, whose sessions must live on. */
async function attack(target: TestBroker, run: (attacked: Attacked) => Promise<void>): Promise<void> {
  const warnings: string[] = [];
  const kicked: string[] = [];
  const warn = (event: string) => void warnings.push(event);
  const log: Log = { info() {}, warn, error: warn };
  await using chatd = await startTestAmqpServer(target, { log, kick: ({ user }) => void kicked.push(user) });
  const [ana, ben] = [await join("ana", chatd.transport("ana")), await join("ben", chatd.transport("ben"))];
  await chatd.chat.accounts.addUser({ name: "mallory", password });
  await run({ warnings, kicked });
  await ana.client.send("ben", "still here");
  await until(() => ben.received.length === 1);
  assert.equal(chatd.server.sessions, 2);
  await Promise.all([ana.stop(), ben.stop()]);
}

Deno.test("headers nested thousands deep, which would overflow the server's stack, end no session", async () => {
  await attack(broker, async ({ warnings }) => {
    for (const depth of [10, 1_000, 5_000, 15_000]) {
      const model = await connect(broker.node.amqpUrl("mallory", password), { noDelay: true });
      model.on("error", () => {});
      let isClosed = false;
      model.on("close", () => isClosed = true);
      const channel = await model.createConfirmChannel();
      channel.on("error", () => {});
      const headers = nestedTable(depth);
      publishRaw(model, 1, { exchange: requestExchange, routingKey: requestQueue, user: "mallory", headers });
      // A delivered message has reached the server once the next one is answered.
      const answered = () => void model.close().catch(() => {});
      await channel.consume(directReplies, answered, { noAck: true }).then(() => {
        const options = { userId: "mallory", replyTo: directReplies };
        channel.publish(requestExchange, requestQueue, Buffer.from([0xff]), options);
      }).catch(() => {});
      await until(() => isClosed || warnings.length > 0);
      assert.deepEqual(warnings, []);
    }
  });
});

Deno.test("a header of the type L, from an account or a stranger, ends no session", async () => {
  const exchanges = [requestExchange, fileExchange, registrationExchange];
  const headers = counted(Buffer.concat([shortText("big"), tagged("L", Buffer.alloc(8, 1))]));
  await attack(broker, async ({ warnings }) => {
    for (const exchange of exchanges) {
      const isStranger = exchange === registrationExchange;
      const [user, secret] = isStranger ? [registrationUser, "open"] : ["mallory", password];
      await using attacker = await connectAs(broker.node.amqpUrl(user, secret));
      const channel = await attacker.model.createConfirmChannel();
      for (let number = 0; number < 20; number++) {
        publishRaw(attacker.model, 1, { exchange, routingKey: exchange, user, headers });
      }
      await channel.close();
    }
    await using own = await connectAs(broker.node.amqpUrl());
    const channel = await own.model.createChannel();
    await eventually(async () => {
      const queues = await Promise.all(exchanges.map((queue) => channel.checkQueue(queue)));
      return queues.every(({ messageCount }) => messageCount === 0);
    }, () => "empty queues");
    assert.deepEqual(warnings, []);
  });
});

Deno.test("a message with undecodable headers is dropped for good, and its sender is disconnected", async () => {
  await using longFrames = await startTestBroker({ config: ["frame_max = 131072"] });
  await attack(longFrames, async ({ kicked }) => {
    await using mallory = await connectAs(longFrames.node.amqpUrl("mallory", password));
    await mallory.model.createChannel();
    const headers = nestedTable(15_000);
    publishRaw(mallory.model, 1, { exchange: requestExchange, routingKey: requestQueue, user: "mallory", headers });
    await eventually(() => kicked.length > 0, () => "mallory thrown out");
    assert.deepEqual(kicked, ["mallory"]);
  });
});
