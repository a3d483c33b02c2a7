import assert from "node:assert/strict";
import type { ConsumeMessage } from "amqplib";
import { BrokerConnection } from "../../../src/amqp/connection/broker_connection.ts";
import { type FrameReader, isUndecodable, tolerateHeaders } from "../../../src/amqp/connection/header_frames.ts";
import { connectAs } from "../../support/brokers/amqp_user.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { RabbitNode } from "../../support/brokers/rabbitmq_node.ts";
import { counted, nestedTable, publishRaw, shortText, tagged } from "../../support/brokers/raw_frames.ts";

/** Frames may be long, so that tables can be deeper than the stack. */
const node = await RabbitNode.start({ config: ["frame_max = 131072"] });
Deno.test.afterAll(async () => await node[Symbol.asyncDispose]());

/** Each tag of rabbit_binary_parser.erl (RabbitMQ 3.10 to 4.3), with bytes, and the value that amqplib makes of them. */
const values: readonly (readonly [tag: string, bytes: Buffer, value: unknown])[] = [
  ["S", counted(Buffer.from("text")), "text"],
  ["T", Buffer.from("0000000065000000", "hex"), { "!": "timestamp", value: 0x65000000 }],
  ["b", Buffer.from([0xff]), -1],
  ["B", Buffer.from([0xff]), 255],
  ["s", Buffer.from([0xff, 0xff]), -1],
  ["u", Buffer.from([0xff, 0xff]), 65_535],
  ["I", Buffer.from("ffffffff", "hex"), -1],
  ["i", Buffer.from("ffffffff", "hex"), 2 ** 32 - 1],
  ["d", Buffer.from("3ff8000000000000", "hex"), 1.5],
  ["f", Buffer.from("3fc00000", "hex"), 1.5],
  ["l", Buffer.from("0000000100000000", "hex"), 2 ** 32],
  ["L", Buffer.from("0000000100000000", "hex"), 2 ** 32],
  ["L", Buffer.from("ffffffffffffffff", "hex"), -1],
  ["t", Buffer.from([1]), true],
  ["D", Buffer.from([2, 0, 0, 0, 7]), { "!": "decimal", value: { places: 2, digits: 7 } }],
  ["F", counted(Buffer.concat([shortText("L"), tagged("L", Buffer.alloc(8))])), { L: 0 }],
  ["A", counted(Buffer.concat([tagged("L", Buffer.alloc(8)), tagged("t", Buffer.from([0]))])), [0, false]],
  ["x", counted(Buffer.from("L")), Buffer.from("L")],
  ["V", Buffer.alloc(0), null],
];

/** A queue that is read over a connection of chatd's, and a channel of amqplib's that writes to it. */
async function withQueue(
  use: (place: { queue: string; send(headers: Buffer): Promise<ConsumeMessage> }) => Promise<void>,
) {
  const broker = { tls: false, host: "127.0.0.1", port: node.amqpPort, vhost: "/" };
  const login = { user: node.user, password: node.password };
  await using reader = await BrokerConnection.open({ broker, login, name: "reader" });
  await using writer = await connectAs(node.amqpUrl());
  await writer.model.createChannel();
  const channel = await reader.channel((error) => assert.fail(error));
  const { queue } = await channel.assertQueue("", { exclusive: true });
  const received: ConsumeMessage[] = [];
  await channel.consume(queue, (message) => void (message && received.push(message)), { noAck: true });
  const send = async (headers: Buffer) => {
    const count = received.length;
    publishRaw(writer.model, 1, { exchange: "", routingKey: queue, user: node.user, headers });
    await eventually(() => received.length > count || !reader.isOpen || !writer.isOpen, () => "a message");
    assert.ok(writer.isOpen, "the broker did not take the message");
    assert.ok(reader.isOpen, "the connection has ended");
    return received[count];
  };
  await use({ queue, send });
}

const field = (name: string, tag: string, bytes: Buffer) => Buffer.concat([shortText(name), tagged(tag, bytes)]);

Deno.test("every tag that RabbitMQ takes is decoded, in a table, a table in a table and an array", async () => {
  await withQueue(async ({ send }) => {
    for (const [tag, bytes, value] of values) {
      const next = field("next", "S", counted(Buffer.from("is read")));
      const inner = counted(Buffer.concat([field("inner", tag, bytes), next]));
      const array = counted(Buffer.concat([tagged(tag, bytes), tagged("A", counted(tagged(tag, bytes)))]));
      const table = [
        field("plain", tag, bytes),
        field("table", "F", inner),
        field("array", "A", array),
        // Beside each, the one that amqplib does not know.
        field("L", "L", Buffer.alloc(8)),
        next,
      ];
      const { properties } = await send(counted(Buffer.concat(table)));
      assert.deepEqual({ ...properties.headers }, {
        plain: value,
        table: { inner: value, next: "is read" },
        array: [value, [value]],
        L: 0,
        next: "is read",
      }, tag);
      assert.ok(!isUndecodable(properties), tag);
      assert.equal(properties.userId, node.user, tag);
    }
  });
});

Deno.test("tables that cannot be decoded are left out, and nothing else of the message is", async () => {
  await withQueue(async ({ send }) => {
    const big = tagged("L", Buffer.alloc(8));
    const fields = [
      field("first", "L", Buffer.alloc(8)),
      field("deep", "F", nestedTable(15_000)),
      field("array", "A", counted(big)),
      field("last", "S", counted(Buffer.from("text"))),
    ];
    const { properties, content } = await send(counted(Buffer.concat(fields)));
    assert.ok(isUndecodable(properties));
    assert.deepEqual({ ...properties.headers }, { first: 0, last: "text" });
    assert.equal(properties.userId, node.user);
    assert.equal(content.length, 1);
    assert.ok(!isUndecodable((await send(counted(Buffer.alloc(0)))).properties));
  });
});

Deno.test("amqplib alone does not decode the tag L: once this fails, tolerateHeaders() may be obsolete", async () => {
  await using plain = await connectAs(node.amqpUrl());
  const channel = await plain.model.createChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.consume(queue, () => {}, { noAck: true });
  const headers = counted(field("L", "L", Buffer.alloc(8)));
  publishRaw(plain.model, 1, { exchange: "", routingKey: queue, user: node.user, headers });
  assert.match(await plain.closed, /Unexpected type tag "L"/);
});

Deno.test("an incompatible amqplib is refused", () => {
  assert.throws(() => tolerateHeaders({ rest: Buffer.alloc(0) } as unknown as FrameReader), TypeError);
});
