import assert from "node:assert/strict";
import { type ChatdResult, runChatd } from "../support/processes/chatd_process.ts";
import { Child } from "../support/processes/child_process.ts";
import { freePorts } from "../support/processes/free_ports.ts";
import { RabbitNode } from "../support/brokers/rabbitmq_node.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

Deno.test("broker-config creates the secrets once, and prints the configuration of RabbitMQ", async () => {
  using folder = temporaryFolder();
  const data = `${folder.path}/data`;
  const args = ["broker-config", "--data", data, "--broker-auth-address", "chatd:15680"];
  const first = await runChatd({ args });
  assert.equal(first.code, 0, first.stderr);
  const secret = Deno.readTextFileSync(`${data}/broker-auth-secret`).trim();
  const password = Deno.readTextFileSync(`${data}/broker-password`).trim();
  assert.match(first.stdout, new RegExp(`^auth_http.user_path = http://chatd:15680/${secret}/user$`, "m"));
  assert.match(first.stdout, new RegExp(`^default_pass = ${password}$`, "m"));
  assert.match(first.stdout, /rabbitmq-plugins enable .*rabbitmq_auth_backend_http/);
  for (const name of ["broker-auth-secret", "broker-password"]) {
    assert.equal(Deno.statSync(`${data}/${name}`).mode! & 0o777, 0o600);
  }
  assert.equal((await runChatd({ args })).stdout, first.stdout);

  const written = await runChatd({ args: [...args, "--write", `${folder.path}/etc`] });
  assert.equal(written.code, 0, written.stderr);
  const config = Deno.readTextFileSync(`${folder.path}/etc/rabbitmq.conf`);
  assert.ok(first.stdout.startsWith(config));
  assert.deepEqual(config.match(/^auth_mechanisms\..*$/gm), ["auth_mechanisms.1 = PLAIN"]);
  // It would allow guest, which many brokers have, to log in from everywhere.
  assert.doesNotMatch(config, /loopback_users/);
  assert.match(Deno.readTextFileSync(`${folder.path}/etc/enabled_plugins`), /^\[rabbitmq_auth_backend_http,.*\]\.\n$/);
});

Deno.test("broker-config writes files for their owner only, and overwrites only its own files", async () => {
  using folder = temporaryFolder();
  const etc = `${folder.path}/etc`;
  const write = () => runChatd({ args: ["broker-config", "--data", `${folder.path}/data`, "--write", etc] });
  const mode = (path: string) => Deno.statSync(path).mode! & 0o777;
  assert.equal((await write()).code, 0);
  assert.equal(mode(etc), 0o700);
  const config = Deno.readTextFileSync(`${etc}/rabbitmq.conf`);
  Deno.chmodSync(`${etc}/rabbitmq.conf`, 0o644);
  Deno.writeTextFileSync(`${etc}/rabbitmq.conf`, "listeners.tcp.default = 1\n", { append: true });

  assert.equal((await write()).code, 0);
  assert.equal(Deno.readTextFileSync(`${etc}/rabbitmq.conf`), config);
  for (const name of ["rabbitmq.conf", "enabled_plugins"]) assert.equal(mode(`${etc}/${name}`), 0o600);
  assert.deepEqual([...Deno.readDirSync(etc)].map(({ name }) => name).sort(), ["enabled_plugins", "rabbitmq.conf"]);

  const theirs = "# ours\nlisteners.tcp.default = 5673\n";
  Deno.writeTextFileSync(`${etc}/rabbitmq.conf`, theirs);
  const { code, stdout, stderr } = await write();
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /rabbitmq\.conf" exists, and "chatd broker-config" did not write it/);
  assert.equal(Deno.readTextFileSync(`${etc}/rabbitmq.conf`), theirs);
});

Deno.test("broker-config refuses characters that rabbitmq.conf does not allow", async () => {
  using folder = temporaryFolder();
  const env = { CHATD_BROKER: "amqp://chatd:a%23b%0Ac@127.0.0.1" };
  const { code, stdout, stderr } = await runChatd({ args: ["broker-config", "--data", folder.path], env });
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /characters that rabbitmq\.conf does not allow/);
});

Deno.test("the broker administrator's password is sent over a network unencrypted only with --insecure", async () => {
  using folder = temporaryFolder();
  const refused = async (words: RegExp, ...args: string[]) => {
    const { code, stderr } = await runChatd({ args: [...args, "--data", folder.path] });
    assert.equal(code, args[0] === "doctor" ? 3 : 78, stderr);
    assert.match(stderr, words);
    assert.match(stderr, /--insecure/);
  };
  const here = ["--broker", "amqps://127.0.0.1"];
  const far = ["--broker-management", "http://192.0.2.1:15672"];
  await refused(
    /management of RabbitMQ at http:\/\/192\.0\.2\.1:15672/,
    "amqp-server",
    "--no-supervise",
    ...here,
    ...far,
  );
  await refused(/management of RabbitMQ at http:\/\/192\.0\.2\.1:15672/, "doctor", ...here, ...far);
  await refused(/amqp:\/\/192\.0\.2\.1:5672/, "doctor", "--broker", "amqp://192.0.2.1");

  const [nobody] = await freePorts(1);
  const env = { CHATD_BROKER: `amqp://chatd:secret@127.0.0.1:${nobody}` };
  const { code, stderr } = await runChatd({ args: ["doctor", ...far, "--insecure", "--data", folder.path], env });
  assert.equal(code, 4, stderr);
  assert.match(stderr, /No RabbitMQ listens/);
});

Deno.test("doctor checks that a broker answers, asks for authorization, and that clients cannot bypass the server", async (t) => {
  using folder = temporaryFolder();
  const [authPort, nobody] = await freePorts(2);
  const auth = `127.0.0.1:${authPort}`;
  await runChatd({ args: ["broker-config", "--data", folder.path, "--broker-auth-address", auth] });
  const secret = Deno.readTextFileSync(`${folder.path}/broker-auth-secret`).trim();
  const doctor = (broker: string, ...more: string[]): Promise<ChatdResult> =>
    runChatd({
      args: ["doctor", "--data", folder.path, "--broker-auth-listen", auth, ...more],
      env: { CHATD_BROKER: broker },
    });
  await using node = await RabbitNode.start({ authUrl: `http://${auth}/${secret}` });
  const management = ["--broker-management", node.managementUrl];

  await t.step("a broker with its configuration has no problem", async () => {
    const { code, stdout, stderr } = await doctor(node.amqpUrl(), ...management);
    assert.equal(code, 0, stdout + stderr);
    for (
      const what of [
        /"chatd" can log in/,
        /RabbitMQ \d/,
        /plugins are enabled/,
        /a single node/,
        /the broker asks for authorization at/,
        /cannot bypass the server/,
      ]
    ) {
      assert.match(stdout, what);
    }
    assert.doesNotMatch(stdout, new RegExp(node.password));
  });

  await t.step("with a server, clients can write to its exchanges", async () => {
    await using server = new Child({
      args: ["amqp-server", "--data", folder.path, "--no-supervise", "--broker-auth-listen", auth, ...management],
      env: { CHATD_BROKER: node.amqpUrl() },
    });
    await server.line(/^data in/);
    const { code, stdout, stderr } = await doctor(node.amqpUrl(), ...management, "--listen", `127.0.0.1:${nobody}`);
    assert.equal(code, 0, stdout + stderr);
    for (
      const what of [
        /^ok +data folder: a server is running on it/m,
        /^ok +server: the server runs chatd .*, like this program$/m,
        /^warning +server: no server answers over gRPC .*\n +This is normal for amqp-server/m,
        /^ok +broker: a chatd server accepts requests$/m,
        /^ok +broker: the broker asks for authorization at \S+: the server answers$/m,
        /^ok +broker: clients can write to chatd\.requests$/m,
        /^ok +broker: clients can write to chatd\.files$/m,
      ]
    ) assert.match(stdout, what);
  });

  await t.step("the password of another user of the broker comes from a file", async () => {
    const file = `${folder.path}/password`;
    Deno.writeTextFileSync(file, `${node.password}\n`);
    const url = `amqp://${node.user}@127.0.0.1:${node.amqpPort}`;
    const { code, stdout, stderr } = await doctor(url, ...management, "--broker-password-file", file);
    assert.equal(code, 0, stdout + stderr);
    const without = await doctor(url.replace(node.user, "operator"), ...management);
    assert.equal(without.code, 1);
    assert.match(without.stderr, /password of the broker's user "operator" is missing: give --broker-password-file/);
  });

  await t.step("no broker answers", async () => {
    const { code, stderr } = await doctor(`amqp://127.0.0.1:${nobody}`);
    assert.equal(code, 4);
    assert.match(stderr, new RegExp(`No RabbitMQ listens at amqp://127.0.0.1:${nobody}`));
  });

  await t.step("the broker's user has another password", async () => {
    const { code, stderr } = await doctor(node.amqpUrl(node.user, "wrong"));
    assert.equal(code, 3);
    assert.match(stderr, /refused the login of "chatd"/);
  });

  await t.step("the broker asks with another secret", async () => {
    const secretFile = `${folder.path}/other-secret`;
    Deno.writeTextFileSync(secretFile, "0123456789abcdef0123\n");
    const { code, stdout } = await doctor(node.amqpUrl(), ...management, "--broker-auth-secret-file", secretFile);
    assert.equal(code, 1);
    assert.match(stdout, /PROBLEM +broker: the broker does not ask for authorization at .* or uses another secret/);
    assert.match(stdout, /1 problem to fix/);
  });

  await t.step("without management, there is a warning", async () => {
    const { code, stdout } = await doctor(node.amqpUrl(), "--broker-management", `http://127.0.0.1:${nobody}`);
    assert.equal(code, 0);
    assert.match(stdout, /warning +broker: Cannot reach the management plugin of RabbitMQ/);
  });
});
