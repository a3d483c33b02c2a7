// Servers and clients in processes of their own, on a private RabbitMQ.
import assert from "node:assert/strict";
import { connect } from "amqplib";
import { AmqpTransport } from "../../src/amqp/client/client_transport.ts";
import { registrationUser } from "../../src/amqp/topology.ts";
import { exitCode } from "../../src/commands/exit_code.ts";
import { borrowTestBroker } from "../support/brokers/borrowed_broker.ts";
import { runChatd } from "../support/processes/chatd_process.ts";
import { Child, socketsOf } from "../support/processes/child_process.ts";
import { freePorts } from "../support/processes/free_ports.ts";
import { join, until } from "../support/servers/person.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const broker = await borrowTestBroker();
const { node, authPort } = broker;
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

const brokerUrl = `amqp://127.0.0.1:${node.amqpPort}`;
const password = "correct horse battery";

interface Place {
  readonly path: string;
}

function serverArgs(folder: Place): string[] {
  const secretFile = `${folder.path}/secret`;
  Deno.writeTextFileSync(secretFile, broker.secret);
  return [
    ...["amqp-server", "--data", `${folder.path}/data`, "--broker-auth-listen", `127.0.0.1:${authPort}`],
    ...["--broker-auth-secret-file", secretFile, "--broker-management", node.managementUrl, "--amqp-registration"],
    "--no-supervise",
  ];
}

async function startServer(folder: Place): Promise<Child> {
  const server = new Child({ args: serverArgs(folder), env: { CHATD_BROKER: node.amqpUrl() } });
  try {
    await server.line(/serves at/);
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

function clientEnv(folder: Place): Record<string, string> {
  return { XDG_STATE_HOME: `${folder.path}/state`, CHATD_PASSWORD: password, CHATD_BROKER: brokerUrl };
}

function transport(user: string): AmqpTransport {
  return new AmqpTransport({ broker: broker.address, user });
}

Deno.test("a client has one connection and no listening port, a server that takes registrations three and the port that is asked", async () => {
  using folder = temporaryFolder();
  await using server = await startServer(folder);
  const ben = await join("ben", transport("ben"));
  await using ana = new Child({
    args: ["amqp-client", "--user", "ana", "--to", "ben", "--invite", "any"],
    env: clientEnv(folder),
  });
  await ana.write("hello\n");
  await until(() => ben.received.length === 1);
  assert.deepEqual(socketsOf(ana.pid), { listening: 0, connectedTo: [node.amqpPort] });
  const { listening, connectedTo } = socketsOf(server.pid);
  assert.equal(listening, 1);
  // One for the sessions, one for replies to addresses that clients wrote, and one for registrations: what ends those ends no session.
  assert.equal(connectedTo.filter((port) => port === node.amqpPort).length, 3);
  await ana.write("bye\n");
  await ana.endInput();
  assert.equal((await ana.status).code, 0);
  await until(() => ben.received.length === 2);
  await ben.stop();
});

Deno.test("chatd export over RabbitMQ brings everything, files too", async () => {
  using folder = temporaryFolder();
  await using _server = await startServer(folder);
  const [ana, ben] = [await join("ana", transport("ana")), await join("ben", transport("ben"))];
  for (let number = 1; number <= 5; number++) await ben.client.send("ana", `number ${number}`);
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const upload = await ana.client.files.upload({
    name: "plan.bin",
    mediaType: "",
    size: bytes.length,
    read: (offset, maxBytes) => Promise.resolve(bytes.subarray(offset, offset + maxBytes)),
  });
  await ana.client.send("ben", "", { upload });
  const out = `${folder.path}/out`;
  const { code, stdout, stderr } = await runChatd({
    args: ["export", "--user", "ana", "--out", out],
    env: clientEnv(folder),
  });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Exported ana to .*: 1 conversations, 6 entries/);
  const lines = Deno.readTextFileSync(`${out}/conversations/ben.jsonl`).trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  assert.deepEqual(lines.slice(0, 5).map(({ text }) => text), [1, 2, 3, 4, 5].map((number) => `number ${number}`));
  assert.deepEqual(Deno.readFileSync(`${out}/${lines[5].file}`), bytes);
  await Promise.all([ana.stop(), ben.stop()]);
});

Deno.test("a client that is killed is gone within seconds", async () => {
  using folder = temporaryFolder();
  await using server = await startServer(folder);
  const ben = await join("ben", transport("ben"));
  await using ana = new Child({
    args: ["amqp-client", "--user", "ana", "--to", "ben", "--invite", "any"],
    env: clientEnv(folder),
  });
  await ana.write("hello\n");
  await until(() => ben.received.length === 1);
  ana.kill("SIGKILL");
  await server.line(/"session ended".*"user":"ana"/);
  await ben.stop();
});

Deno.test("a server that is killed and comes back has everything, and its clients go on by themselves", async () => {
  using folder = temporaryFolder();
  const first = await startServer(folder);
  const ana = await join("ana", transport("ana"));
  const ben = await join("ben", transport("ben"));
  const sending: Promise<unknown>[] = [];
  let number = 0;
  const talk = () => sending.push(ana.client.send("ben", `${number++}`));
  for (let i = 0; i < 300; i++) talk();
  await until(() => ana.accepted.length >= 100);
  first.kill("SIGKILL");
  await first[Symbol.asyncDispose]();
  for (let i = 0; i < 50; i++) talk();
  await using _again = await startServer(folder);
  await Promise.all(sending);
  await until(() => ben.received.length >= number);
  assert.deepEqual(ben.received.map(({ text }) => text), Array.from({ length: number }, (_, i) => `${i}`));
  await Promise.all([ana.stop(), ben.stop()]);
});

Deno.test("a server that stops in order tells its clients, and ends within seconds", async () => {
  using folder = temporaryFolder();
  await using server = await startServer(folder);
  const ana = await join("ana", transport("ana"));
  server.kill("SIGTERM");
  assert.equal((await server.status).code, 0);
  await until(() => ana.client.state.kind === "offline");
  assert.ok(ana.client.state.kind === "offline");
  assert.match(ana.client.state.reason.message, /shutting down/);
  await ana.stop();
});

Deno.test("exit codes and words say what is wrong", async () => {
  using folder = temporaryFolder();
  const server = await startServer(folder);
  const ask = (args: string[], env: Record<string, string> = {}) =>
    runChatd({ args: ["amqp-client", ...args], env: { ...clientEnv(folder), ...env } });
  const wrong = await ask(["--user", "ana", "--to", "ben"], { CHATD_PASSWORD: "wrong horse battery" });
  assert.equal(wrong.code, 3);
  assert.match(wrong.stderr, /^chatd: RabbitMQ at \S+ refused the login of "ana"[^\n]*\n$/);
  const nobody = await ask(["--user", "ana", "--to", "ben", "--broker", "amqp://127.0.0.1:1"]);
  assert.equal(nobody.code, 4);
  assert.match(nobody.stderr, /^chatd: No RabbitMQ listens at amqp:\/\/127\.0\.0\.1:1: start it[^\n]*\n$/);
  const open = await ask(["--user", "ana", "--to", "ben", "--broker", "amqp://broker.example"]);
  assert.equal(open.code, 1);
  assert.match(open.stderr, /unencrypted/);
  const second = await runChatd({
    args: ["amqp-server", "--data", `${folder.path}/data`],
    env: { CHATD_BROKER: node.amqpUrl() },
  });
  assert.equal(second.code, 1);
  assert.match(second.stderr, /data" is in use|already|another/i);
  await server[Symbol.asyncDispose]();
  const noServer = await ask(["--user", "ana", "--to", "ben"]);
  assert.equal(noServer.code, 4);
  assert.match(noServer.stderr, /no chatd server answers/);
});

Deno.test("strangers are let in to the broker only where the server says so, and are told how to get an account", async () => {
  using folder = temporaryFolder();
  const args = serverArgs(folder).filter((argument) => argument !== "--amqp-registration");
  await using server = new Child({ args, env: { CHATD_BROKER: node.amqpUrl() } });
  await server.line(/^data in .*, registration closed$/);
  await server.line(/--amqp-registration/);
  await assert.rejects(connect(node.amqpUrl(registrationUser, "open")), /403/);
  const { code, stderr } = await runChatd({
    args: ["amqp-client", "--user", "ana", "--to", "ben", "--invite", "any"],
    env: clientEnv(folder),
  });
  assert.equal(code, exitCode.authentication);
  assert.match(
    stderr,
    /Registration over RabbitMQ is closed\. Ask the operator for an account \(chatd user add\).*grpc-client/,
  );
});

Deno.test("a broker that asks somebody else is refused, unless everybody is to share a login", async () => {
  using folder = temporaryFolder();
  using other = temporaryFolder();
  const env = { CHATD_BROKER: node.amqpUrl() };
  const [notAsked] = await freePorts(1);
  const args = ["amqp-server", "--data", `${folder.path}/data`, "--broker-auth-listen", `127.0.0.1:${notAsked}`];
  const refused = await runChatd({ args, env });
  assert.equal(refused.code, exitCode.refused);
  assert.match(refused.stderr, /does not ask this server .* --shared-login/);
  await using server = new Child({ args: ["amqp-server", "--data", `${other.path}/data`, "--shared-login"], env });
  await server.line(/shared login: every user of it/);
  await server.line(/serves at/);
  await using ana = new Child({
    args: ["amqp-client", "--user", "ana", "--to", "ana", "--invite", "any"],
    env: { ...clientEnv(other), ...env },
  });
  await ana.write("hello\n");
  await ana.endInput();
  assert.equal((await ana.status).code, 0, ana.lines.join("\n"));
});
