import assert from "node:assert/strict";
import { standardDeadlineMs } from "../waiting/deadlines.ts";
import { RabbitNode } from "./rabbitmq_node.ts";

async function overview(node: RabbitNode): Promise<Record<string, unknown>> {
  const response = await fetch(`${node.managementUrl}/api/overview`, {
    headers: { authorization: `Basic ${btoa(`${node.user}:${node.password}`)}` },
    signal: AbortSignal.timeout(standardDeadlineMs),
  });
  assert.equal(response.status, 200);
  return await response.json();
}

Deno.test("a private broker serves, comes back after a crash and a stop, and leaves nothing behind", async () => {
  const node = await RabbitNode.start();
  const { pid } = node;
  try {
    assert.match(String((await overview(node)).rabbitmq_version), /^\d+\.\d+/);
    await node.crash();
    await assert.rejects(overview(node), TypeError);
    await node.restart();
    await overview(node);
    node.freeze();
    node.thaw();
    await node.restart();
    await overview(node);
  } finally {
    await node[Symbol.asyncDispose]();
  }
  assert.throws(() => Deno.statSync(`/proc/${pid}`), Deno.errors.NotFound);
});

Deno.test("a broker that cannot start says why", async () => {
  await assert.rejects(RabbitNode.start({ config: ["no_such_setting = 1"] }), /no_such_setting/);
});
