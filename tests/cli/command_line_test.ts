import assert from "node:assert/strict";
import { parseCommandLine } from "../../src/cli/command_line.ts";
import { standardLimits } from "../../src/core/limits.ts";

interface Answer {
  command?: string;
  options?: Record<string, unknown>;
  code?: number;
  out: string;
  err: string;
}

function chatd(line: string, env: Record<string, string> = {}): Answer {
  const said = { out: "", err: "" };
  const output = {
    stdout: (text: string) => void (said.out += `${text}\n`),
    stderr: (text: string) => void (said.err += `${text}\n`),
    colors: false,
    width: undefined,
  };
  const args = line === "" ? [] : line.split(" ");
  const result = parseCommandLine(args, { env: (variable) => env[variable], output });
  if (typeof result === "number") return { code: result, ...said };
  return { command: result.command, options: result.options as Record<string, unknown>, ...said };
}

Deno.test("grpc-server has defaults that work on one machine", () => {
  assert.deepEqual(chatd("grpc-server"), {
    command: "grpc-server",
    options: {
      listen: { host: "127.0.0.1", port: 50051 },
      dataDir: "./data",
      database: undefined,
      registration: "open",
      callback: true,
      supervise: true,
      supervised: false,
      logLevel: "info",
      logFormat: "auto",
      metricsListen: undefined,
      insecure: false,
      rate: { perSecond: 200, burst: 1000 },
      limits: standardLimits,
      deletedAccounts: "anonymize",
      configFile: undefined,
      checkConfig: false,
      tls: undefined,
    },
    out: "",
    err: "",
  });
});

Deno.test("grpc-server takes every option", () => {
  const { options } = chatd(
    "grpc-server --listen [::]:0 --data /srv/chat --registration invite --tls-cert c.pem --tls-key k.pem " +
      "--tls-client-ca ca.pem --insecure --no-callback --no-supervise --rate 5 --burst 7 --log-level error " +
      "--log-format json --metrics-listen 127.0.0.1:9464 " +
      "--max-users 1 --max-rooms-per-user 2 --max-memberships 3 --max-room-members 4 --max-file-size 5KiB " +
      "--upload-quota 6MiB --max-disk 7GiB --deleted-accounts erase",
  );
  assert.deepEqual(options, {
    listen: { host: "::", port: 0 },
    dataDir: "/srv/chat",
    database: undefined,
    registration: "invite",
    callback: false,
    supervise: false,
    supervised: false,
    logLevel: "error",
    logFormat: "json",
    metricsListen: { host: "127.0.0.1", port: 9464 },
    insecure: true,
    rate: { perSecond: 5, burst: 7 },
    limits: {
      maxUsers: 1,
      maxRoomsPerUser: 2,
      maxMemberships: 3,
      maxRoomMembers: 4,
      maxFileBytes: 5 * 1024,
      uploadQuotaBytes: 6 * 1024 ** 2,
      maxDiskBytes: 7 * 1024 ** 3,
    },
    deletedAccounts: "erase",
    configFile: undefined,
    checkConfig: false,
    tls: { certFile: "c.pem", keyFile: "k.pem", clientCaFile: "ca.pem" },
  });
});

Deno.test("grpc-client needs a user, and has defaults for the rest", () => {
  const missing = chatd("grpc-client");
  assert.equal(missing.code, 2);
  assert.match(missing.err, /--user.*CHATD_USER.*--profile/);
  const { options } = chatd("grpc-client --user ana");
  assert.deepEqual(
    Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined)),
    {
      user: "ana",
      delivery: "stream",
      consumer: "ui",
      plain: false,
      noColor: false,
      insecure: false,
    },
  );
});

Deno.test("grpc-client uses TLS when any option of TLS is given", () => {
  for (const option of ["--tls", "--ca x", "--tls-name x", "--tls-cert x --tls-key x"]) {
    assert.notEqual(chatd(`grpc-client --user ana ${option}`).options?.tls, undefined, option);
  }
  assert.equal(chatd("grpc-client --user ana --insecure").options?.tls, undefined);
});

Deno.test("a password comes from the environment, and not from an option", () => {
  assert.equal(chatd("grpc-client --user ana", { CHATD_PASSWORD: "secret words" }).options?.password, "secret words");
  assert.equal(chatd("user add ana", { CHATD_PASSWORD: "secret words" }).options?.password, "secret words");
  assert.equal(chatd("user add ana", { CHATD_PASSWORD: "" }).options?.password, undefined);
  for (const line of ["grpc-client --user ana --password secret", "user add ana --password secret"]) {
    assert.equal(chatd(line).code, 2, line);
  }
});

Deno.test("user commands take a name and a data folder", () => {
  const folder = { place: { dataDir: "./data", database: undefined } };
  const secrets = { passwordFile: undefined, password: undefined };
  const table: [string, unknown][] = [
    ["user list", folder],
    ["user add ana", { name: "ana", ...folder, ...secrets, allowSimilar: false }],
    ["user add --data d ana --password-file f --allow-similar", {
      name: "ana",
      place: { dataDir: "d", database: undefined },
      passwordFile: "f",
      password: undefined,
      allowSimilar: true,
    }],
    ["user set ana --display-name Lopez", {
      name: "ana",
      ...folder,
      displayName: "Lopez",
      status: undefined,
      allowSimilar: false,
    }],
    ["user passwd ana", { name: "ana", ...folder, ...secrets }],
    ["user disable ana", { name: "ana", ...folder }],
    ["user enable ana", { name: "ana", ...folder }],
    ["user invite", { lifetimeMs: 604_800_000, ...folder }],
    ["user invite --expires 90s", { lifetimeMs: 90_000, ...folder }],
  ];
  for (const [line, options] of table) {
    const parsed = chatd(line);
    assert.deepEqual(parsed.options, options, line);
    assert.equal(parsed.command, line.split(" ").slice(0, 2).join(" "));
  }
});

Deno.test("every option has a variable, which overrides the default but not the command line", () => {
  const table: [string, string, string, string, unknown, unknown][] = [
    ["grpc-server", "CHATD_LISTEN", "127.0.0.1:1", "--listen 127.0.0.1:2", { host: "127.0.0.1", port: 1 }, {
      host: "127.0.0.1",
      port: 2,
    }],
    ["grpc-server", "CHATD_DATA", "a", "--data b", "a", "b"],
    ["grpc-server", "CHATD_REGISTRATION", "invite", "--registration closed", "invite", "closed"],
    ["grpc-server", "CHATD_CALLBACK", "no", "--callback", false, true],
    ["grpc-server", "CHATD_SUPERVISE", "no", "--supervise", false, true],
    ["grpc-server", "CHATD_SUPERVISE", "yes", "--no-supervise", true, false],
    ["grpc-server", "CHATD_INSECURE", "1", "--insecure", true, true],
    ["grpc-server", "CHATD_LOG_LEVEL", "warn", "--log-level error", "warn", "error"],
    ["grpc-server", "CHATD_RATE", "3", "--rate 4", { perSecond: 3, burst: 1000 }, { perSecond: 4, burst: 1000 }],
    ["grpc-server", "CHATD_BURST", "3", "--burst 4", { perSecond: 200, burst: 3 }, { perSecond: 200, burst: 4 }],
    ["grpc-client", "CHATD_USER", "ana", "--user ben", "ana", "ben"],
    ["grpc-client", "CHATD_SERVER", "a:1", "--server b:2,c:3", [{ host: "a", port: 1 }], [
      { host: "b", port: 2 },
      { host: "c", port: 3 },
    ]],
    ["grpc-client --user ana", "CHATD_TO", "ben", "--to cleo", "ben", "cleo"],
    ["grpc-client --user ana", "CHATD_DELIVERY", "auto", "--delivery callback", "auto", "callback"],
    ["grpc-client --user ana", "CHATD_CONSUMER", "bot", "--consumer tail:alerts", "bot", "tail:alerts"],
    ["grpc-client --user ana", "CHATD_PASSWORD_FILE", "a", "--password-file b", "a", "b"],
    ["grpc-client --user ana", "CHATD_INVITE", "a", "--invite b", "a", "b"],
    ["user invite", "CHATD_EXPIRES", "1h", "--expires 2h", 3_600_000, 7_200_000],
  ];
  const keys: Record<string, string> = {
    data: "dataDir",
    server: "servers",
    rate: "rate",
    burst: "rate",
    log_level: "logLevel",
    password_file: "passwordFile",
    expires: "lifetimeMs",
  };
  for (const [command, variable, value, option, fromVariable, fromOption] of table) {
    const name = variable.slice("CHATD_".length).toLowerCase();
    const key = keys[name] ?? name;
    const own: Record<string, string> = { CHATD_USER: "ana" };
    assert.deepEqual(chatd(command, { ...own, [variable]: value }).options?.[key], fromVariable, variable);
    assert.deepEqual(chatd(`${command} ${option}`, { ...own, [variable]: value }).options?.[key], fromOption, option);
    assert.equal(chatd(`${command} --help`).out.includes(variable), true, `${variable} in help`);
  }
});

Deno.test("an invalid variable is reported by name, unless the option is given", () => {
  const table = [
    ["CHATD_RATE", "many", "--rate 1"],
    ["CHATD_LISTEN", "::1", "--listen [::1]:1"],
    ["CHATD_SUPERVISE", "maybe", "--supervise"],
    ["CHATD_REGISTRATION", "opn", "--registration open"],
  ];
  for (const [variable, value, option] of table) {
    const { code, err } = chatd("grpc-server", { [variable]: value });
    assert.equal(code, 2);
    assert.match(err, new RegExp(`^chatd: \`${variable}\`: .*${value}`));
    assert.equal(chatd(`grpc-server ${option}`, { [variable]: value }).command, "grpc-server");
    assert.equal(chatd("grpc-server --help", { [variable]: value }).code, 0);
    assert.equal(chatd("grpc-server", { [variable]: "" }).command, "grpc-server");
  }
});

Deno.test("a size has a unit, which is a power of 1024", () => {
  const table: [string, number][] = [["0B", 0], ["10MiB", 10_485_760], ["3GiB", 3 * 1024 ** 3], ["1TiB", 1024 ** 4]];
  for (const [written, bytes] of table) {
    const limits = chatd(`grpc-server --max-file-size ${written}`).options?.limits as { maxFileBytes: number };
    assert.equal(limits.maxFileBytes, bytes, written);
  }
  const refused: [string, RegExp][] = [
    ["--max-file-size 10", /"10" is not a size such as 10MiB, 512KiB or 1GiB/],
    ["--max-file-size 10MB", /"10MB" is not a size such as 10MiB\./],
    ["--max-file-size -1MiB", /not a size/],
    ["--max-file-size 999999999TiB", /too large/],
    ["--max-disk 1KiB", /too small: at least 16MiB/],
  ];
  for (const [option, words] of refused) {
    const { code, err } = chatd(`grpc-server ${option}`);
    assert.equal(code, 2, option);
    assert.match(err, words);
  }
});

Deno.test("a typo in a command or an option gets a suggestion", () => {
  const table = [
    ["grpc-sever", "grpc-server"],
    ["grpc-clinet --user ana", "grpc-client"],
    ["user ad ana", "add"],
    ["help user ad", "add"],
    ["grpc-server --lisen 127.0.0.1:1", "--listen"],
    ["grpc-server --no-supervize", "--no-supervise"],
    ["grpc-client --user ana --pasword-file x", "--password-file"],
    ["grpc-client --usr=ana", "--user"],
    ["user invite --expire 1d", "--expires"],
    ["--verison", "--version"],
  ];
  for (const [line, meant] of table) {
    const { code, err } = chatd(line);
    assert.equal(code, 2, line);
    assert.match(err, new RegExp(`Did you mean \`${meant}\``), line);
  }
});

Deno.test("a word that is right elsewhere in the line is not suggested", () => {
  const { code, err } = chatd("grpc-server --registration open --supervise open");
  assert.equal(code, 2);
  assert.match(err, /Unexpected .*`open`/);
  assert.doesNotMatch(err, /Did you mean/);
});

Deno.test("an error is one line, with a pointer to the help of its command", () => {
  const table = [
    ["grpc-server --rate 0", "chatd grpc-server --help"],
    ["grpc-server --tls-cert c", "chatd grpc-server --help"],
    ["grpc-server --tls-client-ca c", "chatd grpc-server --help"],
    ["grpc-client --user ana --tls-key c", "chatd grpc-client --help"],
    ["grpc-client --user Ana", "chatd grpc-client --help"],
    ["grpc-client --user ana --server example.org:0", "chatd grpc-client --help"],
    ["grpc-client --user ana --consumer UI", "chatd grpc-client --help"],
    ["grpc-server --data=", "chatd grpc-server --help"],
    ["user", "chatd user --help"],
    ["user add", "chatd user add --help"],
    ["user add ana ben", "chatd user add --help"],
    ["user invite --expires 7", "chatd user invite --help"],
    ["nonsense", "chatd --help"],
  ];
  for (const [line, help] of table) {
    const { code, err, out } = chatd(line);
    assert.equal(code, 2, line);
    assert.match(err, /^chatd: [^\n]+\nTry "[^\n]+"\.\n$/, line);
    assert.ok(err.endsWith(`Try "${help}".\n`), err);
    assert.equal(out, "");
  }
});

Deno.test("--help describes each command and its options, before and after the command", () => {
  const table: [string, RegExp[]][] = [
    ["--help", [/grpc-server/, /grpc-client/, /user/, /completion/]],
    ["grpc-server --help", [/--listen HOST:PORT.*127\.0\.0\.1:50051/, /open, invite, closed/, /--no-supervise/]],
    ["help grpc-server", [/--listen HOST:PORT/]],
    ["grpc-client --help", [/--user NAME/, /stream, callback, auto/, /CHATD_PASSWORD\b/]],
    ["user --help", [/add/, /list/, /passwd/, /disable/, /enable/, /invite/]],
    ["user add --help", [/CHATD_PASSWORD\b/, /--data DIR/, /NAME/]],
    ["help user passwd", [/all devices/]],
    ["user delete --help", [/--yes/, /anonymize, erase/]],
    ["backup --help", [/DIR/, /--data DIR/]],
    ["restore --help", [/--data DIR/, /--log-out/]],
    ["export --help", [/--out DIR/, /--server HOST:PORT/, /--broker URL/, /CHATD_PASSWORD|--password-file/]],
    ["room --help", [/list/, /show/, /delete/]],
    ["retention set --help", [/CONVERSATION/, /--max-age DURATION/, /--max-entries COUNT/]],
    ["user invite --help", [/--expires DURATION.*7d/]],
  ];
  for (const [line, expected] of table) {
    const { code, out, err } = chatd(line);
    assert.deepEqual([code, err], [0, ""], line);
    for (const pattern of expected) assert.match(out, pattern, line);
  }
});

Deno.test("a missing command is a usage error that prints the help on stderr", () => {
  const { code, out, err } = chatd("");
  assert.deepEqual([code, out], [2, ""]);
  assert.match(err, /grpc-server/);
});

Deno.test("--version and completion print on stdout", () => {
  assert.match(chatd("--version").out, /^chatd \d+\.\d+\.\d+ \(commit unknown, Deno \d+\.\d+\.\d+\)\n$/);
  assert.match(chatd("completion bash").out, /complete /);
  assert.match(chatd("completion bash grpc-server --li").out, /--listen/);
});
