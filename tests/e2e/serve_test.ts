// One server on gRPC and on a private RabbitMQ, in processes of its own.
import assert from "node:assert/strict";
import { AmqpTransport } from "../../src/amqp/client/client_transport.ts";
import { exitCode } from "../../src/commands/exit_code.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { startTestBroker } from "../support/brokers/amqp_server.ts";
import { runChatd } from "../support/processes/chatd_process.ts";
import { Child, socketsOf } from "../support/processes/child_process.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { freePorts } from "../support/processes/free_ports.ts";
import { comeBack, join, type Person, until } from "../support/servers/person.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const broker = await startTestBroker();
const { node, authPort } = broker;
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

const overAmqp = (user: string) => new AmqpTransport({ broker: broker.address, user });
const overGrpc = (port: number) => new Http2Transport({ host: "127.0.0.1", port, callback: false });

function start(folder: string, ...more: string[]): Child {
  const file = `${folder}/chatd.toml`;
  const lines = [
    'data = "data"',
    "[grpc]",
    'listen = "127.0.0.1:0"',
    "[amqp]",
    `broker = "${node.amqpUrl()}"`,
    `broker-auth-listen = "127.0.0.1:${authPort}"`,
    'broker-auth-secret-file = "secret"',
    "amqp-registration = true",
  ];
  Deno.writeTextFileSync(`${folder}/secret`, broker.secret);
  Deno.writeTextFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 });
  return new Child({ args: ["serve", "--config", file, ...more] });
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

async function portOf(server: Child): Promise<number> {
  await server.line(/^to chat, run in another terminal/);
  return Number(/:(\d+)$/.exec(await server.line(/listens on/))![1]);
}

function texts({ received }: Person): string[] {
  return received.map(({ text }) => text);
}

Deno.test("ana on gRPC and ben on AMQP are in one conversation, and see each other come and go", async () => {
  using folder = temporaryFolder();
  await using server = start(folder.path, "--no-supervise");
  const port = await portOf(server);
  await server.line(/serves at amqp:/);
  const ana = await join("ana", overGrpc(port));
  const ben = await join("ben", overAmqp("ben"));
  await ana.client.send("ben", "from gRPC");
  await ben.client.send("ana", "from AMQP");
  await until(() => ana.received.length === 1 && ben.received.length === 1);
  assert.deepEqual([texts(ana), texts(ben)], [["from AMQP"], ["from gRPC"]]);
  assert.equal(ana.received[0].conversation, ben.received[0].conversation);
  assert.deepEqual(socketsOf(server.pid).listening, 2);

  await ben.stop();
  await until(() => ana.online.get("ben") === false);
  await ana.client.send("ben", "while away");
  const again = await comeBack(ben.token, overGrpc(port));
  await until(() => again.received.length === 1);
  assert.deepEqual(texts(again), ["while away"]);
  await until(() => ana.online.get("ben") === true);
  await ana.stop();
  await until(() => again.online.get("ana") === false);
  await again.client.send("ana", "good night");
  const later = await comeBack(ana.token, overAmqp("ana"));
  const fromBen = () => later.received.filter(({ sender }) => sender === "ben").map(({ text }) => text);
  await until(() => fromBen().length > 0);
  assert.deepEqual(fromBen(), ["good night"]);

  server.kill("SIGTERM");
  assert.equal((await server.status).code, 0, server.lines.join("\n"));
  for (const { client } of [again, later]) {
    await until(() => client.state.kind === "offline");
    assert.match(client.state.kind === "offline" ? client.state.reason.message : "", /shutting down/);
  }
  await Promise.all([again.stop(), later.stop()]);
});

Deno.test("a broker that dies leaves people on gRPC alone, and those on AMQP come back with all that they missed", async () => {
  using folder = temporaryFolder();
  const [metricsPort] = await freePorts(1);
  await using server = start(folder.path, "--metrics-listen", `127.0.0.1:${metricsPort}`);
  const port = await portOf(server);
  const readiness = async () => {
    const response = await fetch(`http://127.0.0.1:${metricsPort}/readyz`);
    return `${response.status} ${await response.text()}`;
  };
  await eventually(async () => await readiness() === "200 ready\n");
  const ana = await join("ana", overGrpc(port));
  const eva = await join("eva", overGrpc(port));
  const ben = await join("ben", overAmqp("ben"));
  await ana.client.send("ben", "before");
  await until(() => ben.received.length === 1);
  await node.crash();
  await server.line(/lost the broker/);
  assert.equal(await readiness(), "503 amqp is down\n");
  for (let i = 0; i < 20; i++) {
    await ana.client.send("eva", `${i}`);
    await ana.client.send("ben", `${i}`);
  }
  await until(() => eva.received.length === 20);
  assert.equal(ana.client.state.kind, "online");
  const kept = ben.client.send("ana", "kept until the broker was back");
  await node.restart();
  await kept;
  await until(() => ben.received.length === 21 && ana.received.length === 1);
  await eventually(async () => await readiness() === "200 ready\n");
  assert.deepEqual(texts(ben), ["before", ...Array.from({ length: 20 }, (_, i) => `${i}`)]);
  await Promise.all([ana.stop(), ben.stop(), eva.stop()]);
  server.kill("SIGTERM");
  assert.equal((await server.status).code, 0);
  assert.doesNotMatch(server.lines.join("\n"), /process died/);
});

Deno.test("serve starts without its broker, says so, and serves there once it comes; a process that dies comes back on both", async () => {
  using folder = temporaryFolder();
  await node.stop();
  await using server = start(folder.path);
  const port = await portOf(server);
  await server.line(/WARN.*"cannot serve yet; retrying".*No RabbitMQ listens at/);
  const ana = await join("ana", overGrpc(port));
  await node.restart();
  await server.line(/transport serving/);
  const ben = await join("ben", overAmqp("ben"));
  await ben.client.send("ana", "hello");
  await until(() => ana.received.length === 1);

  const servingPid = () => Number.parseInt(Deno.readTextFileSync(`${folder.path}/data/chatd.lock`));
  Deno.kill(servingPid(), "SIGKILL");
  await server.line(/serving again/);
  await ana.client.send("ben", "still here");
  await ben.client.send("ana", "me too");
  await until(() => ana.received.length === 2 && ben.received.length === 1);
  await Promise.all([ana.stop(), ben.stop()]);
  server.kill("SIGTERM");
  assert.equal((await server.status).code, 0);
});

Deno.test("a broker that stands still keeps serve from neither telling people on gRPC that it stops, nor from stopping", async () => {
  using folder = temporaryFolder();
  await using server = start(folder.path);
  const ana = await join("ana", overGrpc(await portOf(server)));
  node.freeze();
  try {
    server.kill("SIGTERM");
    await until(() => ana.client.state.kind === "offline");
    assert.match(ana.client.state.kind === "offline" ? ana.client.state.reason.message : "", /shutting down/);
    assert.equal((await server.status).code, 0, server.lines.join("\n"));
  } finally {
    node.thaw();
  }
  await ana.stop();
});

Deno.test("a broker that refuses serve later leaves people on gRPC alone", async () => {
  using folder = temporaryFolder();
  await administer("PUT", "users/operator", { password: "before", tags: "" });
  await administer("PUT", "permissions/%2F/operator", { configure: ".*", write: ".*", read: ".*" });
  await using server = new Child({
    args: ["serve", "--listen", "127.0.0.1:0", "--data", `${folder.path}/data`, "--shared-login"],
    env: { CHATD_BROKER: node.amqpUrl("operator", "before") },
  });
  const port = await portOf(server);
  await server.line(/transport serving/);
  const ana = await join("ana", overGrpc(port));
  await administer("PUT", "users/operator", { password: "after", tags: "" });
  await administer("DELETE", "connections/username/operator");
  await server.line(/"ERROR","message":"transport refused.*refused the login/);
  const ben = await join("ben", overGrpc(port));
  await ana.client.send("ben", "still here");
  await until(() => ben.received.length === 1);
  assert.equal(ana.client.state.kind, "online");
  await Promise.all([ana.stop(), ben.stop()]);
  server.kill("SIGTERM");
  assert.equal((await server.status).code, 0);
});

Deno.test("a broker that does not ask this server is refused at the start", async () => {
  using folder = temporaryFolder();
  const [notAsked] = await freePorts(1);
  const { code, stderr, stdout } = await runChatd({
    args: [
      ...["serve", "--listen", "127.0.0.1:0", "--data", `${folder.path}/data`],
      ...["--broker-auth-listen", `127.0.0.1:${notAsked}`],
    ],
    env: { CHATD_BROKER: node.amqpUrl() },
  });
  assert.equal(code, exitCode.refused, stderr);
  assert.match(stderr, /^chatd: .*does not ask this server/m);
  assert.equal(stdout, "");
});

Deno.test("serve without a broker serves over gRPC alone", async () => {
  using folder = temporaryFolder();
  await using server = new Child({
    args: ["serve", "--no-supervise", "--listen", "127.0.0.1:0", "--data", `${folder.path}/data`],
  });
  const ana = await join("ana", overGrpc(await portOf(server)));
  await ana.client.send("ana", "a note");
  await ana.stop();
  server.kill("SIGTERM");
  assert.equal((await server.status).code, 0);
  assert.doesNotMatch(server.lines.join("\n"), /amqp/i);
});
