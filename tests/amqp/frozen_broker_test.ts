import assert from "node:assert/strict";
import type { Log } from "../../src/core/log.ts";
import { startTestAmqpServer, startTestBroker } from "../support/brokers/amqp_server.ts";
import { join, until } from "../support/servers/person.ts";
import { until as within } from "../support/waiting/turns.ts";

Deno.test("both sides notice a frozen broker within 35 s, and continue when it thaws", async () => {
  const warnings: string[] = [];
  const log: Log = {
    info: (event) => void warnings.push(event),
    warn: (event) => void warnings.push(event),
    error() {},
  };
  await using broker = await startTestBroker();
  await using chatd = await startTestAmqpServer(broker, { log });
  const ana = await join("ana", chatd.transport("ana"));
  const ben = await join("ben", chatd.transport("ben"));
  await ana.client.send("ben", "before");
  broker.node.freeze();
  try {
    const during = ana.client.send("ben", "during");
    const isNoticed = () =>
      ana.client.state.kind !== "online" && warnings.some((event) => /lost the broker/.test(event));
    await within(isNoticed, { what: "both sides notice", deadlineMs: 35_000 });
    assert.equal(chatd.chat.live.count, 0);
    broker.node.thaw();
    await during;
  } finally {
    broker.node.thaw();
  }
  await until(() => ben.received.length === 2);
  assert.deepEqual(ben.received.map(({ text }) => text), ["before", "during"]);
  await Promise.all([ana.stop(), ben.stop()]);
});
