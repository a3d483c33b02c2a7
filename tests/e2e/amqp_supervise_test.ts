// Supervised servers on a private RabbitMQ.
import assert from "node:assert/strict";
import { AmqpTransport } from "../../src/amqp/client/client_transport.ts";
import { exitCode } from "../../src/commands/exit_code.ts";
import { startTestBroker } from "../support/brokers/amqp_server.ts";
import { Child } from "../support/processes/child_process.ts";
import { MessageLoad, receivesAll, unlimited } from "../support/servers/message_load.ts";
import { join, until } from "../support/servers/person.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const broker = await startTestBroker();
const { node, authPort } = broker;
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

/** The process that owns the data folder, which the supervisor does not. */
function servingPid(folder: string): number {
  return Number.parseInt(Deno.readTextFileSync(`${folder}/chatd.lock`));
}

function count(server: Child, pattern: RegExp): number {
  return server.lines.filter((line) => pattern.test(line)).length;
}

async function administer(method: string, path: string, body?: Record<string, string>): Promise<void> {
  const response = await fetch(`${node.managementUrl}/api/${path}`, {
    method,
    headers: { authorization: `Basic ${btoa(`${node.user}:${node.password}`)}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  await response.body?.cancel();
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
}

Deno.test("a serving process on a broker that dies comes back, and nothing accepted is lost", async () => {
  using folder = temporaryFolder();
  const secretFile = `${folder.path}/secret`;
  const data = `${folder.path}/data`;
  Deno.writeTextFileSync(secretFile, broker.secret);
  await using server = new Child({
    args: [
      ...["amqp-server", "--data", data, "--broker-auth-listen", `127.0.0.1:${authPort}`],
      ...["--amqp-registration", "--broker-auth-secret-file", secretFile, ...unlimited],
    ],
    env: { CHATD_BROKER: node.amqpUrl() },
  });
  await server.line(/^data in/);
  const transport = (user: string) => new AmqpTransport({ broker: broker.address, user });
  const [ana, ben] = [await join("ana", transport("ana")), await join("ben", transport("ben"))];
  const load = new MessageLoad(ana, { to: "ben" });
  for (const signal of ["SIGKILL", "SIGABRT"] as const) {
    await load.accepts(100);
    const killed = servingPid(data);
    assert.notEqual(killed, server.pid);
    Deno.kill(killed, signal);
    await until(() => servingPid(data) > 0 && servingPid(data) !== killed);
    await load.goesOn();
  }
  await load.stop();
  await receivesAll(ben, ana);
  await Promise.all([ana.stop(), ben.stop()]);
  assert.deepEqual([count(server, /serves at/), count(server, /the serving process died/)], [1, 2]);
  server.kill("SIGTERM");
  assert.equal((await server.status).code, 0);
});

for (const supervise of ["--supervise", "--no-supervise"]) {
  Deno.test(`SIGHUP after a change of a secret restarts a server on a broker (${supervise}), and nothing accepted is lost`, async () => {
    using folder = temporaryFolder();
    const secretFile = `${folder.path}/secret`;
    Deno.writeTextFileSync(secretFile, broker.secret);
    await using server = new Child({
      args: [
        ...["amqp-server", "--data", `${folder.path}/data`, "--broker-auth-listen", `127.0.0.1:${authPort}`],
        ...["--broker-auth-secret-file", secretFile, "--amqp-registration", supervise],
      ],
      env: { CHATD_BROKER: node.amqpUrl() },
    });
    await server.line(/^data in/);
    const transport = (user: string) => new AmqpTransport({ broker: broker.address, user });
    const [ana, ben] = [await join("ana", transport("ana")), await join("ben", transport("ben"))];
    for (let round = 1; round <= 3; round++) {
      await ana.client.send("ben", `before ${round}`);
      Deno.writeTextFileSync(secretFile, broker.secret + "\n".repeat(round));
      server.kill("SIGHUP");
      await until(() => count(server, /serving again/) === round);
      await ana.client.send("ben", `after ${round}`);
    }
    await until(() => ben.received.length === 6);
    const texts = [1, 2, 3].flatMap((round) => [`before ${round}`, `after ${round}`]);
    assert.deepEqual(ben.received.map(({ text }) => text), texts);
    await Promise.all([ana.stop(), ben.stop()]);
    server.kill("SIGTERM");
    assert.equal((await server.status).code, 0);
    assert.equal(count(server, /the serving process died|uncaught|crashed/), 0);
  });
}

Deno.test("a serving process that dies with its broker waits for it, and does not die again and again", async () => {
  using folder = temporaryFolder();
  const secretFile = `${folder.path}/secret`;
  const data = `${folder.path}/data`;
  Deno.writeTextFileSync(secretFile, broker.secret);
  await using server = new Child({
    args: [
      ...["amqp-server", "--data", data, "--broker-auth-listen", `127.0.0.1:${authPort}`],
      ...["--amqp-registration", "--broker-auth-secret-file", secretFile],
    ],
    env: { CHATD_BROKER: node.amqpUrl() },
  });
  await server.line(/^data in/);
  await node.crash();
  Deno.kill(servingPid(data), "SIGKILL");
  await server.line(/cannot serve yet; retrying.*No RabbitMQ listens/);
  await node.restart();
  await server.line(/serving again/);
  const ana = await join("ana", new AmqpTransport({ broker: broker.address, user: "ana" }));
  await ana.stop();
  assert.equal(count(server, /the serving process died/), 1);
  server.kill("SIGTERM");
  assert.equal((await server.status).code, 0);
});

Deno.test("a server that the broker refuses for good ends with its supervisor, and says why once", async () => {
  const kick = () => administer("DELETE", "connections/username/operator");
  const kill = (data: string) => Promise.resolve(Deno.kill(servingPid(data), "SIGKILL"));
  for (const interrupt of [kick, kill]) {
    using folder = temporaryFolder();
    await administer("PUT", "users/operator", { password: "before", tags: "" });
    await administer("PUT", "permissions/%2F/operator", { configure: ".*", write: ".*", read: ".*" });
    await using server = new Child({
      args: ["amqp-server", "--data", folder.path, "--shared-login"],
      env: { CHATD_BROKER: node.amqpUrl("operator", "before") },
    });
    await server.line(/^data in/);
    await administer("PUT", "users/operator", { password: "after", tags: "" });
    await interrupt(folder.path);
    assert.equal((await server.status).code, exitCode.refused);
    await server.line(/^chatd: RabbitMQ at \S+ refused the login of "operator"/);
    assert.equal(count(server, /^chatd: /), 1);
    assert.equal(count(server, /the serving process died/), interrupt === kill ? 1 : 0);
  }
});
