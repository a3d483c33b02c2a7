import assert from "node:assert/strict";
import { parseCommandLine } from "../../src/cli/command_line.ts";
import type { BotCommandOptions } from "../../src/commands/bot/run_bot.ts";
import { exitCode } from "../../src/commands/exit_code.ts";
import { completePlace } from "../../src/commands/script/given_place.ts";
import type { SendCommandOptions } from "../../src/commands/send/run_send.ts";
import type { TailCommandOptions } from "../../src/commands/tail/run_tail.ts";

interface Parsed {
  /** Undefined if there is no command to run. */
  readonly options: unknown;
  readonly code: number | undefined;
  readonly stderr: string;
}

function parse(args: readonly string[], env: Readonly<Record<string, string>> = {}): Parsed {
  let stderr = "";
  const output = {
    stdout: () => {},
    stderr: (text: string) => void (stderr += text),
    colors: false,
    width: undefined,
  };
  const result = parseCommandLine(args, { env: (variable) => env[variable], output });
  return typeof result === "number"
    ? { options: undefined, code: result, stderr }
    : { options: result.options, code: undefined, stderr };
}

function connectionOf(args: readonly string[], env?: Readonly<Record<string, string>>) {
  const { options, stderr } = parse(["send", "--to", "ben", "hi", ...args], env);
  assert.ok(options !== undefined, stderr);
  const { password: _password, passwordFile: _file, ...connection } = (options as SendCommandOptions).connection;
  return connection;
}

Deno.test("a script command connects with a profile or with its own options", () => {
  const servers = [{ host: "127.0.0.1", port: 50051 }];
  const grpc = { via: "grpc", user: "ana", servers, tls: undefined, insecure: false };
  assert.deepEqual(connectionOf([]), { profile: undefined });
  assert.deepEqual(connectionOf([], { CHATD_PROFILE: "work" }), { profile: "work" });
  assert.deepEqual(connectionOf(["--profile", "other"], { CHATD_PROFILE: "work" }), { profile: "other" });
  assert.deepEqual(connectionOf(["--via", "grpc", "--user", "ana"]), { direct: grpc });
  assert.deepEqual(connectionOf(["--user", "ana", "--server", "127.0.0.1:50051"]), { direct: grpc });
  const amqp = connectionOf(["--user", "ana", "--broker", "amqps://broker.example"]).direct;
  assert.ok(amqp?.via === "amqp");
  assert.equal(amqp.broker.address.host, "broker.example");
});

Deno.test("an option beats the environment, and the environment beats the profile, for each setting", () => {
  const port = (number: number) => ({ host: "127.0.0.1", port: number });
  const table: [args: string, env: Record<string, string>, expected: Record<string, unknown>][] = [
    ["", { CHATD_SERVER: "127.0.0.1:1" }, { via: "grpc", servers: [port(1)] }],
    ["", { CHATD_USER: "ana" }, { user: "ana" }],
    ["", { CHATD_USER: "ana", CHATD_SERVER: "127.0.0.1:1" }, { user: "ana", via: "grpc", servers: [port(1)] }],
    ["--user ben", { CHATD_USER: "ana" }, { user: "ben" }],
    ["--server 127.0.0.1:2", { CHATD_SERVER: "127.0.0.1:1" }, { via: "grpc", servers: [port(2)] }],
    ["--server 127.0.0.1:2", { CHATD_BROKER: "amqp://h", CHATD_VIA: "amqp" }, { via: "grpc", servers: [port(2)] }],
    ["--server 127.0.0.1:2,127.0.0.1:3", {}, { via: "grpc", servers: [port(2), port(3)] }],
    ["--server 127.0.0.1:2", {}, { via: "grpc", servers: [port(2)] }],
    ["--tls", { CHATD_INSECURE: "1" }, { tls: true, insecure: true }],
    ["--profile work", { CHATD_SERVER: "127.0.0.1:1", CHATD_USER: "ana", CHATD_BROKER: "amqp://h" }, {}],
    ["--profile work --user ben", { CHATD_USER: "ana" }, { user: "ben" }],
  ];
  for (const [args, env, expected] of table) {
    const { given = {} } = connectionOf(args === "" ? [] : args.split(" "), env);
    assert.deepEqual({ ...given }, expected, `${args} ${JSON.stringify(env)}`);
  }
});

Deno.test("given settings complete those of a profile, whose encryption is for its server alone", () => {
  const profile = {
    via: "grpc",
    user: "bot",
    servers: [{ host: "chat.example", port: 1 }],
    tls: { caFile: "/ca.pem" },
    insecure: true,
  } as const;
  assert.deepEqual(completePlace({ user: "ana" }, profile), { ...profile, user: "ana", tls: tls("/ca.pem") });
  const servers = [{ host: "other.example", port: 1 }] as const;
  assert.deepEqual(completePlace({ user: "bot", via: "grpc", servers }, profile), {
    ...profile,
    servers,
    tls: undefined,
    insecure: false,
  });
  const own = { ...profile, ownLogin: "work" };
  assert.equal(completePlace({ user: "bot", insecure: false }, own).ownLogin, "work");
  assert.equal(completePlace({ user: "ana" }, own).ownLogin, undefined);
  assert.equal(completePlace({ user: "bot", via: "grpc", servers }, own).ownLogin, undefined);
  const trusting = completePlace({ user: "bot", caFile: "/own.pem" }, profile);
  assert.deepEqual(trusting, { ...profile, tls: tls("/own.pem") });
});

function tls(caFile: string) {
  return { caFile, serverName: undefined, certFile: undefined, keyFile: undefined };
}

Deno.test("two servers, or a transport without a user, are refused", () => {
  const wrong = [
    ["--via", "amqp"],
    ["--user", "ana", "--server", "127.0.0.1:1", "--broker", "amqp://127.0.0.1"],
    ["--server", "127.0.0.1:1", "--broker", "amqp://127.0.0.1"],
    ["--profile", "../x"],
  ];
  for (const args of wrong) {
    const { code, stderr } = parse(["send", "--to", "ben", "hi", ...args]);
    assert.equal(code, exitCode.usage, `${args}`);
    assert.match(stderr, /^chatd: [^\n]+\nTry "chatd send --help"\.$/);
  }
});

Deno.test("send, tail and bot have defaults, and refuse contradictory options", () => {
  const sent = parse(["send", "--to", "#ops", "two", "words", "--reply-to", "7", "--", "-x"])
    .options as SendCommandOptions;
  assert.deepEqual([sent.to, sent.words, sent.replyTo, sent.timeoutMs], ["#ops", ["two", "words", "-x"], 7, undefined]);
  const tailed = parse(["tail", "--conversation", "ben", "--since", "12"]).options as TailCommandOptions;
  assert.deepEqual([tailed.name, tailed.conversations, tailed.since], ["default", ["ben"], { seq: 12 }]);
  const dated = parse(["tail", "--since", "2026-11-23"]).options as TailCommandOptions;
  assert.deepEqual(dated.since, { ms: new Date(2026, 10, 23).getTime() });
  const bot = parse(["bot", "--exec", "sh -c 'exit 3'"]).options as BotCommandOptions;
  assert.deepEqual([bot.command, bot.concurrency, bot.mentionsOnly], [["sh", "-c", "exit 3"], 4, false]);
  const wrong = [
    ["send", "hi"],
    ["send", "--to", "ben!", "hi"],
    ["send", "--to", "ben", "--lines", "hi"],
    ["tail", "--since", "12"],
    ["tail", "--name", "a b"],
    ["bot"],
    ["bot", "--exec", ""],
    ["search"],
    ["history"],
  ];
  for (const args of wrong) assert.equal(parse(args).code, exitCode.usage, `${args}`);
});

Deno.test("variables that a bot sets for its command are not read as options of chatd", () => {
  const env = { CHATD_CONVERSATION: "ana:ben", CHATD_ADDRESS: "ben", CHATD_SEQ: "1", CHATD_ID: "x", CHATD_ME: "ana" };
  const { options } = parse(["tail"], env);
  assert.deepEqual((options as TailCommandOptions).conversations, []);
});
