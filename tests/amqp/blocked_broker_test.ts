import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { BrokerConnection } from "../../src/amqp/broker_connection.ts";
import { eventually } from "../support/eventually.ts";
import { RabbitNode } from "../support/rabbitmq_node.ts";

Deno.test("a connection tells that its broker takes nothing more for lack of memory", async () => {
  await using node = await RabbitNode.start({ config: ["vm_memory_high_watermark.absolute = 1MB"] });
  const reasons: (string | undefined)[] = [];
  await using connection = await BrokerConnection.open({
    broker: { tls: false, host: "127.0.0.1", port: node.amqpPort, vhost: "/" },
    login: { user: node.user, password: node.password },
    name: "test",
    onBlocked: (reason) => void reasons.push(reason),
  });
  assert.equal(connection.isBlocked, false);
  const channel = await connection.channel(() => {});
  channel.publish("", "nowhere", Buffer.alloc(1));
  await eventually(() => connection.isBlocked, () => "the connection is blocked");
  assert.match(String(reasons), /memory/);
});
