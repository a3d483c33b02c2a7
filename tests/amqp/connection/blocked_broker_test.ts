import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { BlockedConnections } from "../../../src/amqp/connection/blocked_connections.ts";
import { BrokerConnection } from "../../../src/amqp/connection/broker_connection.ts";
import { startAmqpServer } from "../../../src/amqp/server/server.ts";
import { startTestAmqpServer, startTestBroker } from "../../support/brokers/amqp_server.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { RabbitNode } from "../../support/brokers/rabbitmq_node.ts";

Deno.test("a connection reports that its broker lacks memory", async () => {
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

Deno.test("an idle server learns that its broker is blocked, and when it recovers", async () => {
  await using broker = await startTestBroker();
  const lines: { level: string; event: string; reason: unknown }[] = [];
  const write = (level: string) => (event: string, details: Record<string, unknown> = {}) =>
    void lines.push({ level, event, reason: details.reason });
  const log = { info: write("info"), warn: write("warn"), error: write("error") };
  await using chatd = await startTestAmqpServer(broker, { log });
  assert.deepEqual([chatd.server.isServing, chatd.server.isBlocked], [true, false]);
  await broker.node.limitMemory(1);
  await eventually(() => chatd.server.isBlocked, () => "the server is blocked");
  assert.equal(chatd.server.isServing, false);
  const [alarm] = lines.filter(({ level }) => level === "error");
  assert.match(alarm.event, /the broker accepts no messages/);
  assert.match(String(alarm.reason), /memory/);
  await broker.node.limitMemory(2 ** 40);
  await eventually(() => chatd.server.isServing, () => "the server serves again");
  assert.ok(lines.some(({ level, event }) => level === "info" && /accepts messages again/.test(event)));
  assert.equal(chatd.server.isBlocked, false);
});

Deno.test("a server that starts during an alarm knows of it, and serves afterwards", async () => {
  await using broker = await startTestBroker();
  await using chatd = await startTestAmqpServer(broker);
  await chatd.server.close({ deadlineMs: 0 });
  await broker.node.limitMemory(1);
  const blocked = new BlockedConnections();
  const starting = startAmqpServer({ ...chatd.serverOptions, blocked });
  await eventually(() => blocked.lacksMemory, () => "it hears of the alarm while it starts");
  const server = await starting;
  assert.deepEqual([server.isBlocked, server.lacksMemory, server.isServing], [true, true, false]);
  await server.close({ deadlineMs: 0 });
  assert.equal(blocked.isBlocked, false, "connections that are lost do not count");
  const another = await startAmqpServer({ ...chatd.serverOptions, isRestart: true });
  try {
    await eventually(() => another.isBlocked, () => "another one hears of it");
    await broker.node.limitMemory(2 ** 40);
    await eventually(() => another.isServing, () => "it serves");
    assert.equal(another.isBlocked, false);
  } finally {
    await another.close({ deadlineMs: 0 });
  }
});
