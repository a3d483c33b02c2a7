/** The commands of containers. Docker itself is neither needed nor used. */
import assert from "node:assert/strict";
import { parseCommandLine } from "../../src/cli/command_line.ts";
import { exitCode } from "../../src/commands/exit_code.ts";
import { runChatd } from "../support/processes/chatd_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const read = (path: string): string => Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));

function commandOf(args: readonly string[], variables: Readonly<Record<string, string>> = {}): string {
  const output = { stdout: () => {}, stderr: (text: string) => assert.fail(text), colors: false, width: undefined };
  const invocation = parseCommandLine(args, { env: (name) => variables[name], output });
  assert.ok(typeof invocation === "object");
  return invocation.command;
}

/** Returns the items of YAML lists after `command:`, on one line or one on each. */
function commandsIn(yaml: string): readonly string[][] {
  return [...yaml.matchAll(/^ +command:(?: \[(.*)\]|((?:\n +- .*)+))$/gm)].map(([, row, column]) =>
    (row === undefined ? column.trim().split(/\n +/).map((line) => line.slice(2)) : row.split(", "))
      .map((item) => item.replaceAll('"', ""))
  );
}

Deno.test("the services of compose.yaml are command lines that chatd understands", () => {
  assert.deepEqual(commandsIn(read("compose.yaml")).map((args) => commandOf(args)), [
    "broker-config",
    "serve",
    "doctor",
  ]);
});

Deno.test("the services of compose.cluster.yaml are command lines that chatd understands", () => {
  const compose = read("compose.cluster.yaml");
  const [, broker] = /^ +CHATD_BROKER: (.*)$/m.exec(compose)!;
  const [, database] = /^ +CHATD_DATABASE: "(.*)"$/m.exec(compose)!;
  const variables = { CHATD_BROKER: broker, CHATD_DATABASE: database.replace(/\$\{.*?\}/, "secret") };
  const commands = commandsIn(compose).map((args) => commandOf(args, variables));
  assert.deepEqual(commands, ["serve", "database migrate", "broker-config"]);
  assert.equal(compose.match(/^ +build:/gm)!.length, 1);
  assert.match(compose, /^ +image: rabbitmq:4\.\d+-management$/m);
  const nodes = [...compose.matchAll(/^ {2}(chatd-\d):\n {4}<<: \*node\n/gm)].map(([, name]) => name);
  assert.deepEqual(nodes, ["chatd-1", "chatd-2"]);
  const haproxy = read("examples/haproxy.cfg");
  const behind = [...haproxy.matchAll(/^ +server (\S+) (\S+):(\d+) /gm)];
  assert.deepEqual(
    behind.map(([, name, host, port]) => `${name} ${host} ${port}`),
    ["50051", "15680"].flatMap((port) => nodes.map((node) => `${node} ${node} ${port}`)),
  );
  const [, checked] = /check port (\d+)/.exec(haproxy)!;
  for (const part of [`--metrics-listen=0.0.0.0:${checked}`, "--broker-auth-listen=0.0.0.0:15680", '"haproxy:15680"']) {
    assert.ok(compose.includes(part), part);
  }
});

Deno.test("the database of compose.cluster.yaml is healthy when other containers can reach it", () => {
  // Its image serves on the Unix socket alone while it makes the database.
  assert.match(read("compose.cluster.yaml"), /test: \["CMD", "pg_isready", "--host", "127\.0\.0\.1"/);
});

Deno.test("one service of compose.yaml builds the image, and the others never pull it", () => {
  const compose = read("compose.yaml");
  assert.equal(compose.match(/^ +build:/gm)!.length, 1);
  assert.match(compose, /\n {2}chatd:\n {4}<<: \*chatd\n {4}build: \.\n {4}pull_policy: build\n/);
  assert.match(compose, /^x-chatd: &chatd\n(?: .*\n)*? {2}pull_policy: never\n/m);
});

Deno.test("compose.yaml pins a series of RabbitMQ 4 with the management plugin", () => {
  assert.match(read("compose.yaml"), /^ +image: rabbitmq:4\.\d+-management$/m);
});

Deno.test("the image has a health check that chatd understands and that needs no other program", () => {
  const [, check] = /^HEALTHCHECK .*CMD (\[.*\])$/m.exec(read("Dockerfile"))!;
  const [program, ...args] = JSON.parse(check) as string[];
  assert.deepEqual([program, commandOf(args)], ["chatd", "healthcheck"]);
});

Deno.test("a server in the image listens on all addresses, which it refuses without TLS or --insecure", async () => {
  const [, variables] = /^ENV (.*)$/m.exec(read("Dockerfile"))!;
  const { CHATD_LISTEN, ...env } = Object.fromEntries(variables.split(" ").map((pair) => pair.split("=")));
  assert.equal(CHATD_LISTEN, "0.0.0.0:50051");
  assert.deepEqual(Object.keys(env), ["CHATD_DATA"]);
  using folder = temporaryFolder();
  const inImage = { CHATD_LISTEN: "0.0.0.0:0", CHATD_DATA: `${folder.path}/data` };
  const { code, stderr } = await runChatd({ args: ["serve"], env: inImage });
  assert.equal(code, exitCode.refused);
  assert.match(stderr, /Listening on 0\.0\.0\.0 would .* give --tls-cert and --tls-key, or --insecure/);
  const allowed = await runChatd({ args: ["serve", "--insecure", "--check-config"], env: inImage });
  assert.equal(allowed.code, 0, allowed.stderr);
});

Deno.test("the image runs as its own user, and is built with the pinned version of Deno", () => {
  const dockerfile = read("Dockerfile");
  assert.equal(commandOf(JSON.parse(/^CMD (.*)$/m.exec(dockerfile)![1])), "serve");
  assert.match(dockerfile, /^USER chatd\n[^]*^ENTRYPOINT \["chatd"\]$/m);
  assert.equal(/^FROM denoland\/deno:(\S+) AS build$/m.exec(dockerfile)![1], read(".deno-version").trim());
});

Deno.test("the build context of the image includes all its files", () => {
  const seen = read(".dockerignore").split("\n").filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  const copied = [...read("Dockerfile").matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, files]) =>
    files.split(" ")
  );
  assert.deepEqual(copied.toSorted(), seen.toSorted());
});
