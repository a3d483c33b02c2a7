import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type ChannelModel, connect } from "amqplib";
import { temporaryFolder } from "../checks/temporary_folder.ts";
import { borrowOpenBroker } from "./borrowed_broker.ts";
import { poolVariable, startBrokerPool } from "./broker_pool.ts";
import type { BrokerNode } from "./broker_node.ts";

/** Connects, and consumes a queue that is gone with the connection. */
async function consume(node: BrokerNode, queue: string): Promise<ChannelModel> {
  // The timer of heartbeats would outlive a socket that is destroyed.
  const connection = await connect(`${node.amqpUrl()}?heartbeat=0`);
  connection.on("error", () => {});
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { exclusive: true });
  await channel.consume(queue, () => {});
  return connection;
}

Deno.test("a broker is empty for its next borrower, also while connections of the last one are closing", async () => {
  using folder = temporaryFolder();
  await using pool = startBrokerPool(1, `${folder.path}/pool`);
  await pool.started;
  const runners = Deno.env.get(poolVariable);
  Deno.env.set(poolVariable, pool.folder);
  try {
    // The race was lost in a third of the rounds.
    for (let round = 0; round < 12; round++) {
      await using broker = await borrowOpenBroker();
      assert.deepEqual(await broker.node.manage("GET", "queues/%2F?columns=name"), []);
      const queues = Array.from({ length: 12 }, (_, number) => `queue-${number}`);
      const connections = await Promise.all(queues.map((queue) => consume(broker.node, queue)));
      for (const { connection } of connections) (connection as unknown as { stream: Socket }).stream.destroy();
    }
  } finally {
    if (runners === undefined) Deno.env.delete(poolVariable);
    else Deno.env.set(poolVariable, runners);
  }
});
