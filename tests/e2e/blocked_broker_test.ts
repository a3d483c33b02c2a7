import assert from "node:assert/strict";
import { freePorts } from "../../src/app/bench/free_ports.ts";
import { startTestBroker } from "../support/amqp_server.ts";
import { Child } from "../support/child_process.ts";
import { eventually } from "../support/eventually.ts";
import { parseMetrics } from "../support/metrics_text.ts";
import { temporaryFolder } from "../support/temporary_folder.ts";

const metric = 'chatd_transport_blocked{transport="amqp"}';

Deno.test("an alarm of the broker is in the log, /readyz and the metrics, and so is its end", async () => {
  await using broker = await startTestBroker();
  using folder = temporaryFolder();
  const secretFile = `${folder.path}/secret`;
  Deno.writeTextFileSync(secretFile, broker.secret);
  const [port] = await freePorts(1);
  const get = async (path: string) => await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  const value = async () => parseMetrics(await get("/metrics")).get(metric);
  await using server = new Child({
    args: [
      ...["serve", "--no-supervise", "--listen", "127.0.0.1:0", "--data", `${folder.path}/data`],
      ...["--broker-auth-listen", `127.0.0.1:${broker.authPort}`, "--broker-auth-secret-file", secretFile],
      ...["--metrics-listen", `127.0.0.1:${port}`],
    ],
    env: { CHATD_BROKER: broker.node.amqpUrl() },
  });
  await server.line(/^data in/);
  await eventually(async () => await get("/readyz") === "ready\n", () => "the server is ready");
  assert.equal(await value(), 0);
  await broker.node.limitMemory(1);
  const reason = await server.line(/the broker takes no messages/);
  assert.match(reason, /memory/);
  await eventually(async () => await get("/readyz") !== "ready\n", () => "the server is not ready");
  assert.equal(await get("/readyz"), "amqp is blocked: the broker takes no messages\n");
  assert.equal(await value(), 1);
  await broker.node.limitMemory(2 ** 40);
  await server.line(/the broker takes messages again/);
  await eventually(async () => await get("/readyz") === "ready\n", () => "the server is ready again");
  assert.equal(await value(), 0);
});
