import assert from "node:assert/strict";
import { AmqpTransport } from "../../src/amqp/client/client_transport.ts";
import { startTestBroker, type TestBroker } from "../support/brokers/amqp_server.ts";
import { Child } from "../support/processes/child_process.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { freePorts } from "../support/processes/free_ports.ts";
import { parseMetrics } from "../support/checks/metrics_text.ts";
import { join, until } from "../support/servers/person.ts";
import { RawBrokerSocket } from "../support/brokers/raw_broker_socket.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const metric = 'chatd_transport_blocked{transport="amqp"}';

/** A `chatd serve` on a broker, with its data and secret in `folder`. */
function serve(broker: TestBroker, folder: string, args: readonly string[]): Child {
  const secretFile = `${folder}/secret`;
  Deno.writeTextFileSync(secretFile, broker.secret);
  return new Child({
    args: [
      ...["serve", "--no-supervise", "--listen", "127.0.0.1:0", "--data", `${folder}/data`],
      ...["--broker-auth-listen", `127.0.0.1:${broker.authPort}`, "--broker-auth-secret-file", secretFile, ...args],
    ],
    env: { CHATD_BROKER: broker.node.amqpUrl() },
  });
}

Deno.test("an alarm of the broker is in the log, /readyz and the metrics, and so is its end", async () => {
  await using broker = await startTestBroker();
  using folder = temporaryFolder();
  const [port] = await freePorts(1);
  const get = async (path: string) => await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  const value = async () => parseMetrics(await get("/metrics")).get(metric);
  await using server = serve(broker, folder.path, ["--metrics-listen", `127.0.0.1:${port}`]);
  await server.line(/^data in/);
  await eventually(async () => await get("/readyz") === "ready\n", () => "the server is ready");
  assert.equal(await value(), 0);
  await broker.node.limitMemory(1);
  const reason = await server.line(/the broker accepts no messages/);
  assert.match(reason, /memory/);
  await eventually(async () => await get("/readyz") !== "ready\n", () => "the server is not ready");
  assert.equal(await get("/readyz"), "amqp is blocked: the broker takes no messages\n");
  assert.equal(await value(), 1);
  await broker.node.limitMemory(2 ** 40);
  await server.line(/the broker accepts messages again/);
  await eventually(async () => await get("/readyz") === "ready\n", () => "the server is ready again");
  assert.equal(await value(), 0);
});

Deno.test("chatd serve throws off the account that fills the broker's memory, and the chat goes on", async () => {
  await using broker = await startTestBroker({ config: ["vm_memory_high_watermark.absolute = 250MB"] });
  const { node } = broker;
  using folder = temporaryFolder();
  const args = ["--broker-management", node.managementUrl, "--amqp-registration"];
  await using server = serve(broker, folder.path, args);
  await server.line(/^data in/);
  const transport = (user: string) => new AmqpTransport({ broker: broker.address, user });
  const [ana, ben] = [await join("ana", transport("ana")), await join("ben", transport("ben"))];
  await (await join("mallory", transport("mallory"))).stop();
  using mallory = new RawBrokerSocket(node.amqpPort, { user: "mallory", password: "correct horse battery" });
  await eventually(() => mallory.isReady, () => "mallory is logged in");
  const logged = (text: string) => server.lines.some((line) => line.includes(text));
  await eventually(() => {
    mallory.askInVain();
    return logged("the broker accepts no messages");
  }, () => "the broker lacks memory");
  assert.match(await server.line(/closing the connections that sent the most/), /mallory/);
  await server.line(/the broker accepts messages again/);
  await ana.client.send("ben", "goes on");
  await until(() => ben.received.length === 1);
  await Promise.all([ana.stop(), ben.stop()]);
});
