import assert from "node:assert/strict";
import { parseCommandLine } from "../../src/cli/command_line.ts";
import { standardLimits } from "../../src/core/limits.ts";

function chatd(line: string, env: Record<string, string> = {}) {
  let err = "";
  const output = { stdout() {}, stderr: (text: string) => void (err += text), colors: false, width: undefined };
  const result = parseCommandLine(line.split(" "), { env: (variable) => env[variable], output });
  if (typeof result === "number") return { code: result, err };
  return { options: result.options as Record<string, unknown>, err };
}

const local = { tls: false, host: "127.0.0.1", port: 5672, vhost: "/" };

Deno.test("amqp-server has defaults that work on one machine", () => {
  assert.deepEqual(chatd("amqp-server").options, {
    broker: { address: local },
    brokerPasswordFile: undefined,
    caFile: undefined,
    authListen: { host: "127.0.0.1", port: 15680 },
    authSecretFile: undefined,
    management: undefined,
    amqpRegistration: false,
    sharedLogin: false,
    insecure: false,
    dataDir: "./data",
    database: undefined,
    registration: "open",
    supervise: true,
    supervised: false,
    rate: { perSecond: 200, burst: 1000 },
    limits: standardLimits,
    deletedAccounts: "anonymize",
    configFile: undefined,
    checkConfig: false,
    logLevel: "info",
    logFormat: "auto",
    metricsListen: undefined,
  });
});

Deno.test("amqp-client takes the shared login of the broker and the user's password from the environment", () => {
  const { options } = chatd("amqp-client --user ana --to ben --ca ca.pem", {
    CHATD_BROKER: "amqps://all:secret@broker.example/chat",
    CHATD_PASSWORD: "correct horse",
  });
  assert.deepEqual(options, {
    profile: undefined,
    user: "ana",
    to: "ben",
    broker: {
      address: { tls: true, host: "broker.example", port: 5671, vhost: "chat" },
      user: "all",
      login: { user: "all", password: "secret" },
    },
    caFile: "ca.pem",
    insecure: false,
    consumer: "ui",
    plain: false,
    noColor: false,
    invite: undefined,
    passwordFile: undefined,
    password: "correct horse",
  });
});

Deno.test("an invalid URL of the broker or its management is a usage error that names the option", () => {
  for (
    const [line, words] of [
      ["amqp-server --broker 127.0.0.1:5672", /--broker.*amqp:\/\//],
      ["amqp-client --user ana --broker http://127.0.0.1", /--broker/],
      ["amqp-server --broker-management 127.0.0.1:15672", /--broker-management.*http:\/\//],
      ["amqp-server --broker-management http://u:geheim@h", /--broker-management/],
      ["amqp-client", /--user/],
    ] as const
  ) {
    const { code, err } = chatd(line);
    assert.equal(code, 2, line);
    assert.match(err, words);
  }
});

Deno.test("a password in --broker is refused on the command line, but accepted from the environment", () => {
  const url = "amqp://chatd:geheim@127.0.0.1";
  for (
    const [command, words] of [
      ["serve", /--broker-password-file FILE.*CHATD_BROKER/],
      ["amqp-server", /--broker-password-file FILE.*CHATD_BROKER/],
      ["broker-config", /--broker-password-file FILE.*CHATD_BROKER/],
      ["doctor", /--broker-password-file FILE.*CHATD_BROKER/],
      ["amqp-client --user ana", /set CHATD_BROKER instead/],
    ] as const
  ) {
    const { code, err } = chatd(`${command} --broker ${url}`);
    assert.equal(code, 2, command);
    assert.match(err.replace(/\s+/g, " "), words);
    assert.doesNotMatch(err, /geheim/);
    assert.equal(chatd(command, { CHATD_BROKER: url }).err, "");
    assert.equal(chatd(`${command} --broker amqp://chatd@127.0.0.1`).err, "");
  }
});
