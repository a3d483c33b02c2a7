import assert from "node:assert/strict";
import { canPublish, countServers, inspectLocks } from "../../../src/amqp/broker/broker_inspection.ts";
import { BrokerConnection } from "../../../src/amqp/connection/broker_connection.ts";
import { declareTopology, requestExchange } from "../../../src/amqp/topology.ts";
import { RabbitNode } from "../../support/brokers/rabbitmq_node.ts";

Deno.test("a broker that restricts clients in nothing fails every check", async () => {
  const allowing = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response("allow"));
  try {
    await using node = await RabbitNode.start({
      authUrl: `http://127.0.0.1:${allowing.addr.port}/secret`,
      config: ["max_message_size = 134217728", "frame_max = 131072"],
    });
    const broker = { tls: false, host: "127.0.0.1", port: node.amqpPort, vhost: "/" };
    const login = { user: "ana", password: "any" };
    await using client = await BrokerConnection.open({ broker, login, name: "test" });
    assert.match(client.product, /^RabbitMQ \d+\.\d+/);
    await assert.rejects(countServers(client), { code: "unavailable" });
    await declareTopology(await client.channel((error) => assert.fail(error)));
    assert.equal(await countServers(client), 0);
    assert.equal(await canPublish(client, requestExchange), true);
    const open = await Array.fromAsync(inspectLocks(client));
    assert.equal(open.length, 9);
    assert.deepEqual(open.filter(({ holds }) => holds), []);
  } finally {
    await allowing.shutdown();
  }
});
