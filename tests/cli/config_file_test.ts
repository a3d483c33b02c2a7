import assert from "node:assert/strict";
import { readConfigFile } from "../../src/app/config_file.ts";
import { parseCommandLine } from "../../src/cli/command_line.ts";
import { configFileOf } from "../../src/cli/config_option.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

interface Answer {
  options: Record<string, unknown>;
  code?: number;
  err: string[];
}

/** Parses a command line with a configuration file of this text. */
function chatd(line: string, text: string, { env = {}, mode = 0o600 }: {
  env?: Record<string, string>;
  mode?: number;
} = {}): Answer {
  using folder = temporaryFolder();
  const path = `${folder.path}/chatd.toml`;
  Deno.writeTextFileSync(path, text);
  Deno.chmodSync(path, mode);
  const args = line.replace("FILE", path).split(" ");
  const environment = (variable: string) => env[variable]?.replace("FILE", path);
  const named = configFileOf(args, environment);
  let err = "";
  const output = { stdout() {}, stderr: (text: string) => void (err += text), colors: false, width: undefined };
  const result = parseCommandLine(args, {
    env: environment,
    output,
    ...(named !== undefined && { config: readConfigFile(named) }),
  });
  const lines = err.replaceAll(path, "chatd.toml").split("\n").filter((line) => line !== "");
  if (typeof result === "number") return { options: {}, code: result, err: lines };
  return { options: JSON.parse(JSON.stringify(result.options).replaceAll(folder.path, "FOLDER")), err: lines };
}

const example = Deno.readTextFileSync(new URL("../../examples/chatd.toml", import.meta.url));
/** The example with all commented settings enabled. */
const everything = example.replaceAll(/^#(\[|[a-z-]+ = )/gm, "$1");

Deno.test("the example file contains the default values", () => {
  const { options: { configFile, dataDir, ...options }, err } = chatd("serve --config FILE", example);
  assert.deepEqual(err, []);
  assert.deepEqual([configFile, dataDir], ["FOLDER/chatd.toml", "FOLDER/data"]);
  const { dataDir: bareDataDir, ...bare } = chatd("serve", "").options;
  assert.equal(bareDataDir, "./data");
  assert.deepEqual(options, bare);
});

Deno.test("the example file contains every setting", () => {
  assert.deepEqual(chatd("serve --config FILE", everything).err, []);
  const { out } = help("serve");
  const flags = [...out.matchAll(/^ +(--[a-z-]+)/gm)].map(([, flag]) => flag.slice(2));
  assert.ok(flags.length > 20);
  for (const name of flags) {
    if (["config", "check-config"].includes(name)) continue;
    const setting = name.replace(/^database-/, "").replace(/^database$/, "url");
    assert.match(everything, new RegExp(`^${setting} = `, "m"), name);
  }
});

function help(command: string): { out: string } {
  let out = "";
  const output = { stdout: (text: string) => void (out += text), stderr() {}, colors: false, width: undefined };
  parseCommandLine([command, "--help"], { env: () => undefined, output });
  return { out };
}

Deno.test("the command line takes precedence over the environment, and the environment over the file", () => {
  const text = `registration = "closed"\nsupervise = false\n[limits]\nrate = 5\nmax-file-size = "1KiB"\n`;
  const rate = (line: string, env = {}) => (chatd(line, text, { env }).options.rate as { perSecond: number }).perSecond;
  assert.equal(rate("serve --config FILE"), 5);
  assert.equal(rate("serve --config FILE", { CHATD_RATE: "6" }), 6);
  assert.equal(rate("serve --rate 7 --config=FILE", { CHATD_RATE: "6" }), 7);
  assert.equal(rate("grpc-server", { CHATD_CONFIG: "FILE" }), 5);
  assert.equal(rate("amqp-server --config FILE"), 5);
  const { options } = chatd("serve --config FILE", text);
  assert.deepEqual([options.registration, options.supervise], ["closed", false]);
  assert.equal(chatd("serve --config FILE --supervise", text).options.supervise, true);
  assert.equal(chatd("serve --config FILE", text, { env: { CHATD_SUPERVISE: "yes" } }).options.supervise, true);
});

Deno.test("a path in the file is relative to the file, and one on the command line to the working directory", () => {
  const text = `data = "mine"\n[grpc]\ntls-cert = "/etc/cert.pem"\ntls-key = "sub/key.pem"\n`;
  const { options } = chatd("grpc-server --config FILE", text);
  assert.equal(options.dataDir, "FOLDER/mine");
  assert.deepEqual(options.tls, { certFile: "/etc/cert.pem", keyFile: "FOLDER/sub/key.pem" });
  assert.equal(chatd("grpc-server --config FILE --data mine", text).options.dataDir, "mine");
});

Deno.test("the database is a section of its own, which the operator's commands read too", () => {
  const text =
    `[database]\nurl = "postgres://chatd@db1,db2/chat"\npassword-file = "pw"\nca-file = "/ca.pem"\nnode = "one"\n`;
  const hosts = [{ host: "db1", port: 5432 }, { host: "db2", port: 5432 }];
  const address = { hosts, user: "chatd", database: "chat", sslMode: "verify-full", schema: "chatd" };
  const database = { url: { address }, passwordFile: "FOLDER/pw", caFile: "/ca.pem" };
  assert.deepEqual(chatd("serve --config FILE", text).options.database, { ...database, node: "one" });
  assert.deepEqual(chatd("user list --config FILE", text).options, { place: { dataDir: "./data", database } });
  assert.deepEqual(chatd("database check --config FILE", text).options.database, database);
  const other = chatd("serve --config FILE --database postgres://ana@db3", text).options.database;
  assert.equal((other as typeof database).url.address.user, "ana");
  assert.match(
    chatd("backup there --config FILE", text).err[0],
    /the data are in PostgreSQL: back it up with "pg_dump/,
  );
});

Deno.test("a file with the password of a database must not be readable by others", () => {
  const text = `[database]\nurl = "postgres://chatd:secret@db/chatd"\n`;
  const { url } = chatd("serve --config FILE", text).options.database as { url: { password: string } };
  assert.equal(url.password, "secret");
  const { code, err } = chatd("serve --config FILE", text, { mode: 0o644 });
  assert.equal(code, 2);
  assert.match(err[0], /run "chmod 600 .*", or name a password file with password-file\.$/);
});

Deno.test("insecure is one setting per transport, and one option for both", () => {
  const insecure = (line: string, text: string) => {
    const { grpc, amqp } = chatd(line, text).options as Record<"grpc" | "amqp", { insecure: boolean }>;
    return [grpc.insecure, amqp.insecure];
  };
  const amqp = `[amqp]\nbroker = "amqp://127.0.0.1"\n`;
  assert.deepEqual(insecure("serve --config FILE", amqp), [false, false]);
  assert.deepEqual(insecure("serve --config FILE", `${amqp}insecure = true\n`), [false, true]);
  assert.deepEqual(insecure("serve --config FILE", `grpc.insecure = true\n${amqp}`), [true, false]);
  assert.deepEqual(insecure("serve --config FILE --insecure", amqp), [true, true]);
  assert.deepEqual(insecure("serve --config FILE", `amqp = { broker = "amqp://127.0.0.1", insecure = true }`), [
    false,
    true,
  ]);
});

Deno.test("every problem in the file is reported with its line and key", () => {
  const table: [text: string, problem: RegExp][] = [
    [`suprvise = true`, /:1: suprvise: there is no such setting at the top.* Did you mean "supervise"\?$/],
    [`\n\nlisten = "127.0.0.1:1"`, /:3: listen: this belongs in \[grpc\], not at the top/],
    [`[grpc]\nlisten = 50051`, /:2: grpc.listen: expected a string in quotes, but got 50051\.$/],
    [`[grpc]\nlisten = "::1"`, /:2: grpc.listen: .*\[::1\]:50051/],
    [`[grpc]\ncallback = "yes"`, /:2: grpc.callback: expected true or false, but got the text "yes"\.$/],
    [`[grpc]\ninsecure = 1`, /:2: grpc.insecure: expected true or false, but got 1\.$/],
    [`[limits]\nrate = "5"`, /:2: limits.rate: expected a whole number, but got the text "5"\.$/],
    [`[limits]\nrate = 0`, /:2: limits.rate: .*1/],
    [`[limits]\nrate = 1.5`, /:2: limits.rate: expected a whole number, but got a number with a fraction\.$/],
    [`[limits]\nmax-users = [1]`, /:2: limits.max-users: expected a whole number, but got a list\.$/],
    [`[limits]\nmax-disk = "5GB"`, /:2: limits.max-disk: "5GB" is not a size such as 5GiB\.$/],
    [`registration = "opn"`, /:1: registration: .*open/],
    [`[grcp]\nlisten = "127.0.0.1:1"`, /:1: there is no section \[grcp\]\. Did you mean "grpc"\?$/],
    [`grcp.listen = "127.0.0.1:1"`, /:1: grcp.listen: this belongs in \[grpc\]/],
    [`[grpc.more]\nx = 1`, /:1: there is no section \[grpc\.more\]/],
    [`data = ""`, /:1: data: /],
    [`data = 1979-05-27`, /:1: data: expected a string in quotes, but got a date or time\.$/],
    [`config = "other.toml"`, /:1: config: there is no such setting/],
    [`[amqp]\npassword = "x"`, /:2: amqp.password: secrets are not allowed here.*broker-password-file/],
    [
      `[database]\npassword = "x"`,
      /:2: database.password: secrets are not allowed here.*password-file in \[database\]/,
    ],
    [`[database]\nurl = "postgres://db"`, /:2: database.url: The URL of the database .* names no user/],
    [`[database]\ndatabase = "x"`, /:2: database.database: there is no such setting in \[database\]/],
    [`url = "postgres://chatd@db"`, /:1: url: this belongs in \[database\]/],
  ];
  for (const [text, problem] of table) {
    const { code, err } = chatd("serve --config FILE", text);
    assert.equal(code, 2, text);
    assert.equal(err.length, 2, err.join("\n"));
    assert.match(err[0], new RegExp(`^chatd: chatd\\.toml${problem.source}`));
    assert.equal(err[1], 'Try "chatd serve --help".');
  }
  const { err } = chatd(
    "grpc-server --config FILE",
    table.map(([text]) => text)[4] + "\nlissten = 1\n[amqp]\nbroker = 5\n",
  );
  assert.deepEqual(err.map((line) => /:(\d+):/.exec(line)?.[1]), ["2", "3", "5", undefined]);
});

Deno.test("a password in the broker's URL requires a file that only its owner can read", () => {
  const text = `[amqp]\nbroker = "amqp://chatd:geheim@127.0.0.1"\n`;
  for (const mode of [0o644, 0o640, 0o604]) {
    const { code, err } = chatd("serve --config FILE", text, { mode });
    assert.equal(code, 2);
    assert.match(err[0], /^chatd: chatd\.toml:2: amqp\.broker: .*chmod 600.*broker-password-file/);
    assert.doesNotMatch(err.join(""), /geheim/);
  }
  const { amqp } = chatd("serve --config FILE", text).options as { amqp: { broker: { login: unknown } } };
  assert.deepEqual(amqp.broker.login, { user: "chatd", password: "geheim" });
  assert.deepEqual(chatd("serve --config FILE", `[amqp]\nbroker = "amqp://127.0.0.1"\n`, { mode: 0o644 }).err, []);
});

Deno.test("invalid TOML is reported with its line and column", () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/chatd.toml`;
  for (const [text, where] of [["a = 1\na = 2\n", "2:1"], ["a b\n", "1:3"], ['data = "x\n', "1:10"]]) {
    Deno.writeTextFileSync(path, text);
    assert.throws(() => readConfigFile(path), (error: Error) => error.message.startsWith(`${path}:${where}: `), text);
  }
  assert.throws(() => readConfigFile(`${path}.gone`), /Cannot read the configuration file ".*\.gone"/);
});

Deno.test("the operator's commands read the data folder and the broker from the server's file", () => {
  const text = `data = "mine"\n[amqp]\nbroker = "amqp://broker.example"\nbroker-auth-listen = "127.0.0.1:7"\n`;
  /** Commands that a database may hold the data for have the folder in its place. */
  const folderOf = (options: Record<string, unknown>) =>
    ({ ...options, ...options.place as object } as { dataDir?: string }).dataDir;
  for (const command of ["user list", "user add ana", "audit", "backup DIR", "room list", "broker-config", "doctor"]) {
    const { options, err } = chatd(`${command} --config FILE`, text);
    assert.deepEqual(err, [], command);
    assert.equal(folderOf(options), "FOLDER/mine", command);
    assert.equal(folderOf(chatd(`${command} --config FILE --data other`, text).options), "other");
    // Only doctor uses the other settings.
    assert.equal(options.configFile, command === "doctor" ? "FOLDER/chatd.toml" : undefined);
  }
  const { broker, brokerCheck } = chatd("doctor", text, { env: { CHATD_CONFIG: "FILE" } }).options;
  assert.equal((broker as { address: { host: string } }).address.host, "broker.example");
  assert.deepEqual((brokerCheck as { authListen: unknown }).authListen, { host: "127.0.0.1", port: 7 });
});

Deno.test("clients and help do not read the file", () => {
  const env = (variable: string) => variable === "CHATD_CONFIG" ? "chatd.toml" : undefined;
  for (const command of ["serve", "grpc-server", "amqp-server"]) {
    assert.equal(configFileOf([command], env), "chatd.toml");
  }
  for (const line of ["grpc-client --user ana", "amqp-client", "restore b", "serve --help", "help serve", ""]) {
    assert.equal(configFileOf(line.split(" "), env), undefined, line);
  }
});

Deno.test("options about the broker need --broker", () => {
  const flags = ["--shared-login", "--amqp-registration"];
  for (const option of ["--ca x", "--broker-password-file x", "--broker-management http://h", ...flags]) {
    const { code, err } = chatd(`serve ${option}`, "");
    assert.equal(code, 2, option);
    assert.match(err[0], new RegExp(`^chatd: ${option.split(" ")[0]} .*--broker\\.$`));
  }
});
