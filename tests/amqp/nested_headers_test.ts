import assert from "node:assert/strict";
import { type ConfirmChannel, connect } from "amqplib";
import type { Socket } from "node:net";
import { requestExchange, requestQueue } from "../../src/amqp/topology.ts";
import type { Log } from "../../src/core/log.ts";
import { startTestAmqpServer, startTestBroker } from "../support/amqp_server.ts";
import { join, until } from "../support/person.ts";

const broker = await startTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

function shortText(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
}

function longLength(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

/** A table of a table of a table: amqplib would not encode as many as a broker passes on. */
function nestedTable(depth: number): Buffer {
  const key = Buffer.concat([shortText("a"), Buffer.from("F")]);
  const levels: Buffer[] = [];
  let length = 0;
  for (let level = 0; level < depth; level++) {
    const entry = Buffer.concat([key, longLength(length)]);
    levels.unshift(entry);
    length += entry.length;
  }
  return Buffer.concat([longLength(length), ...levels]);
}

function frame(type: number, channel: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}

/** `basic.publish` of AMQP 0-9-1, with one byte of body. */
function publish(channel: number, { user, headers }: { user: string; headers: Buffer }): Buffer {
  const method = [
    Buffer.from([0, 60, 0, 40, 0, 0]),
    shortText(requestExchange),
    shortText(requestQueue),
    Buffer.from([0]),
  ];
  const size = Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]);
  const hasHeadersAndUser = Buffer.from([0x20, 0x10]);
  const properties = [Buffer.from([0, 60, 0, 0]), size, hasHeadersAndUser, headers, shortText(user)];
  return Buffer.concat([
    frame(1, channel, Buffer.concat(method)),
    frame(2, channel, Buffer.concat(properties)),
    frame(3, channel, Buffer.from([0])),
  ]);
}

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
    const { stream } = model.connection as unknown as { stream: Socket };
    stream.write(publish(1, { user: "mallory", headers: nestedTable(depth) }));
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
