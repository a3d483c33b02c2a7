import assert from "node:assert/strict";
import { SeveralServers } from "../../src/client/several_servers.ts";
import { ChatError } from "../../src/core/chat_error.ts";
import { checkHealth } from "../../src/grpc/client/health_check.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { longVersion, version as programVersion } from "../../src/host/version.ts";
import { Connection } from "../../src/store/postgres/connection/connection.ts";
import { type DatabaseAccess, showDatabase } from "../../src/store/postgres/connection/database_address.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { databaseEnvironment } from "../support/databases/database_url.ts";
import { accessTo, PostgresNode } from "../support/databases/postgres_node.ts";
import { openTemporaryDatabase, openTemporarySchema } from "../support/databases/temporary_schema.ts";
import { type ChatdResult, runChatd } from "../support/processes/chatd_process.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { MessageLoad, receivesAll, unlimited } from "../support/servers/message_load.ts";
import { comeBack, join, until } from "../support/servers/person.ts";
import { startDeadlineMs } from "../support/waiting/deadlines.ts";
import { eventually } from "../support/waiting/eventually.ts";

function chatd(access: DatabaseAccess, command: string, env: Record<string, string> = {}): Promise<ChatdResult> {
  return runChatd({ args: command.split(" "), env: { ...databaseEnvironment(access), ...env } });
}

function start(
  access: DatabaseAccess,
  { folder, node, ...options }: { folder: string; node: string; port?: number; supervise?: boolean },
): Promise<ServerProcess> {
  const env = databaseEnvironment(access);
  return ServerProcess.start({ folder: `${folder}/${node}`, args: [...unlimited, "--node", node], env, ...options });
}

/** Whether the node at a port says that it serves; it closes its port for a moment when it takes over. */
async function serves({ port }: ServerProcess): Promise<boolean> {
  try {
    return await checkHealth({ host: "127.0.0.1", port, tls: false });
  } catch (error) {
    if (error instanceof ChatError && error.code === "unavailable") return false;
    throw error;
  }
}

/** Waits for something that takes as long as a lease lasts, 10 s, and a start of the server. */
function afterTakeover(condition: () => boolean | Promise<boolean>): Promise<void> {
  return eventually(condition, undefined, startDeadlineMs);
}

function transportTo({ port }: ServerProcess): Http2Transport {
  return new Http2Transport({ host: "127.0.0.1", port, callback: false });
}

Deno.test("a serving process that is killed comes back from its database, and nothing accepted is lost", async () => {
  await using schema = await openTemporarySchema();
  const { access } = schema;
  using folder = temporaryFolder();
  await using server = await start(access, { folder: folder.path, node: "one", supervise: true });
  await until(() =>
    server.stdout.includes(
      `data in the database ${showDatabase(access.address)}, registration open`,
    )
  );
  const transport = () => new Http2Transport({ host: "127.0.0.1", port: server.port, callback: false });
  const [ana, ben] = [await join("ana", transport()), await join("ben", transport())];
  const load = new MessageLoad(ana, { to: "ben" });
  for (let round = 0; round < 2; round++) {
    await load.accepts(100);
    const killed = server.servingPid();
    Deno.kill(killed, "SIGKILL");
    await until(() => server.servingPid() !== killed);
    await load.goesOn();
  }
  await load.stop();
  await receivesAll(ben, ana);
  await Promise.all([ana.stop(), ben.stop()]);
  server.kill("SIGTERM");
  assert.equal((await server.ended()).code, 0);
  const files = [...Deno.readDirSync(`${folder.path}/one`)].map(({ name }) => name).toSorted();
  assert.deepEqual(files, ["chatd.lock", "lease"]);
  assert.doesNotMatch([...server.stdout, ...server.stderr].join("\n"), new RegExp(access.password!));
});

Deno.test("a second node stands by, and serves when the first one stops, with all of its messages", async () => {
  await using schema = await openTemporarySchema();
  const { access } = schema;
  using folder = temporaryFolder();
  await using first = await start(access, { folder: folder.path, node: "one" });
  const [ana, ben] = [await join("ana", transportTo(first)), await join("ben", transportTo(first))];
  await ana.client.send("ben", "to the first node");
  await until(() => ben.received.length === 1);
  await using second = await start(access, { folder: folder.path, node: "two", supervise: true });
  assert.deepEqual(await Promise.all([serves(first), serves(second)]), [true, false]);
  await eventually(() => second.stdout.some((line) => line.includes("this one stands by")));
  await eventually(
    () => second.stderr.some((line) => /standing by: another node serves.*one/.test(line)),
    () => second.stderr.join("\n"),
  );
  const logIn = { user: "ana", password: "correct horse battery", deviceName: "", deviceId: "" };
  const refused = await rejectsWith("unavailable", transportTo(second).logIn(logIn, {}));
  assert.equal(refused.message, 'This server stands by: the node "one" serves.');
  const healthcheck = () => chatd(access, `healthcheck --data ${folder.path}/two`);
  const alive = await healthcheck();
  const answers = `chatd ${longVersion} answers.`;
  assert.deepEqual(
    [alive.code, alive.stdout],
    [0, `${answers} This server stands by: the node "one" serves.\n`],
    alive.stderr,
  );
  await Promise.all([ana.stop(), ben.stop()]);
  first.kill("SIGTERM");
  assert.equal((await first.ended()).code, 0);
  await afterTakeover(() => serves(second));
  assert.equal((await healthcheck()).stdout, `${answers}\n`);
  const again = await Promise.all([ana, ben].map(({ token }) => comeBack(token, transportTo(second))));
  await again[0].client.send("ben", "to the second node");
  await until(() => again[1].received.some(({ text }) => text === "to the second node"));
  assert.equal(again[1].received.length, 1);
  await Promise.all(again.map((person) => person.stop()));
  second.kill("SIGTERM");
  assert.equal((await second.ended()).code, 0);
});

Deno.test("chatd node list shows which node serves, which stand by, and which are gone", async () => {
  await using schema = await openTemporarySchema();
  const { access } = schema;
  using folder = temporaryFolder();
  const list = async () =>
    (await chatd(access, "node list --json")).stdout.trim().split("\n").map((line) => JSON.parse(line));
  await using first = await start(access, { folder: folder.path, node: "one" });
  await using second = await start(access, { folder: folder.path, node: "two" });
  const states = async () => (await list()).map(({ name, state }) => `${name} ${state}`);
  assert.deepEqual(await states(), ["one serving", "two standby"]);
  const twin = await chatd(access, `serve --listen 127.0.0.1:0 --data ${folder.path}/twin --node two`);
  assert.equal(twin.code, 78);
  assert.match(twin.stderr, /Another process on \S+ is the node "two": give each its own name with --node NAME/);
  first.kill("SIGKILL");
  await first.ended();
  await afterTakeover(() => serves(second));
  assert.deepEqual(await states(), ["two serving", "one gone"]);
  const [{ version, host, since, silentSeconds }] = await list();
  assert.deepEqual([version, host, typeof silentSeconds], [programVersion, Deno.hostname(), "number"]);
  assert.ok(Date.parse(since) <= Date.now());
  const lines = (await chatd(access, "node list")).stdout.trim().split("\n").map((line) =>
    line.split("\t").slice(0, 2)
  );
  assert.deepEqual(lines, [["two", "serving"], ["one", "gone"]]);
});

Deno.test("doctor checks the database, the nodes, and a server that stands by", async () => {
  await using schema = await openTemporarySchema();
  const { access } = schema;
  using folder = temporaryFolder();
  const doctor = async ({ port }: { port: number }, node: string) => {
    const { code, stdout } = await chatd(access, `doctor --data ${folder.path}/${node} --listen 127.0.0.1:${port}`);
    return { code, stdout };
  };
  const before = await doctor({ port: 1 }, "one");
  // The PostgreSQL of tests does not write its log to the disk.
  assert.match(before.stdout, /^PROBLEM {2}database: PostgreSQL has fsync = off/m);
  assert.equal(before.code, 1);
  assert.match(before.stdout, /^warning {2}database: no node serves$/m);
  await using first = await start(access, { folder: folder.path, node: "one" });
  await using second = await start(access, { folder: folder.path, node: "two" });
  const serving = await doctor(first, "one");
  assert.match(serving.stdout, /^ok {7}data folder: a server is running on it/m);
  assert.match(serving.stdout, /^ok {7}database: the node "one" serves\n.* standing by: "two"$/m);
  assert.match(serving.stdout, /reports over gRPC that it serves$/m);
  assert.match((await doctor(second, "two")).stdout, /reports over gRPC that it stands by$/m);
  const { code, stdout } = await chatd({ ...access, password: "wrong" }, `doctor --data ${folder.path}/one`);
  assert.equal(code, 1, stdout);
  assert.match(stdout, /^PROBLEM {2}database: .*password/m);
  const without = await runChatd({ args: `doctor --data ${folder.path}/one`.split(" ") });
  assert.equal(without.code, 1);
  assert.match(without.stdout, /^PROBLEM {2}data folder: .* keeps its data in a database: give --database/m);
  const damage = await chatd(access, `doctor --check-database --data ${folder.path}/one`);
  assert.equal(damage.code, 2);
  assert.match(damage.stderr, /--check-database is for data folders: check PostgreSQL with pg_amcheck/);
});

Deno.test("a node that was frozen while another one took over serves no more, and stands by", async () => {
  await using schema = await openTemporarySchema();
  const { access } = schema;
  using folder = temporaryFolder();
  await using first = await start(access, { folder: folder.path, node: "one", supervise: true });
  const [ana, ben] = [await join("ana", transportTo(first)), await join("ben", transportTo(first))];
  await ana.client.send("ben", "before");
  await ben.stop();
  const frozen = first.servingPid();
  await using second = await start(access, { folder: folder.path, node: "two" });
  Deno.kill(frozen, "SIGSTOP");
  await afterTakeover(() => serves(second));
  const words = "sent to the frozen node";
  const late = ana.client.send("ben", words);
  Deno.kill(frozen, "SIGCONT");
  await afterTakeover(() => first.stderr.some((line) => /standing by: another node serves.*two/.test(line)));
  await using connection = await Connection.open(access, { name: "test" });
  assert.deepEqual(await connection.query("SELECT count(*) AS count FROM entry"), [{ count: 1 }]);
  second.kill("SIGTERM");
  assert.equal((await second.ended()).code, 0);
  await late;
  const again = await comeBack(ben.token, transportTo(first));
  await until(() => again.received.some(({ text }) => text === words));
  assert.equal(again.received.filter(({ text }) => text === words).length, 1);
  await Promise.all([ana.stop(), again.stop()]);
});

Deno.test("a client with two servers goes on at the other one, and its lines arrive once, in order", async () => {
  await using schema = await openTemporarySchema();
  const { access } = schema;
  using folder = temporaryFolder();
  await using first = await start(access, { folder: folder.path, node: "one" });
  await using second = await start(access, { folder: folder.path, node: "two" });
  const servers = new SeveralServers({ servers: [transportTo(first), transportTo(second)] });
  const ana = await join("ana", servers);
  const ben = await join("ben", new SeveralServers({ servers: [transportTo(second), transportTo(first)] }));
  const load = new MessageLoad(ana, { to: "ben" });
  await load.accepts(100);
  first.kill("SIGKILL");
  await afterTakeover(() => servers.address.endsWith(`:${second.port}`));
  await load.goesOn();
  await load.stop();
  await receivesAll(ben, ana);
  await Promise.all([ana.stop(), ben.stop()]);
});

Deno.test("a node whose database is away for long stops serving, and comes back with it", async () => {
  await using node = await PostgresNode.start({ isDurable: true });
  const access = accessTo(node.address, "chatd");
  assert.equal((await chatd(access, "database init")).code, 0);
  using folder = temporaryFolder();
  await using server = await start(access, { folder: folder.path, node: "one", supervise: true });
  const transport = () => new Http2Transport({ host: "127.0.0.1", port: server.port, callback: false });
  const [ana, ben] = [await join("ana", transport()), await join("ben", transport())];
  const load = new MessageLoad(ana, { to: "ben" });
  await load.accepts(100);
  await node.stop("SIGQUIT");
  await afterTakeover(() =>
    server.stderr.some((line) => line.includes("standing by: the database cannot be used now"))
  );
  await node.boot();
  await load.goesOn();
  await load.stop();
  await receivesAll(ben, ana);
  await Promise.all([ana.stop(), ben.stop()]);
});

Deno.test("the operator's commands work on a database, with a server and without", async () => {
  await using schema = await openTemporarySchema();
  const { access } = schema;
  using folder = temporaryFolder();
  const [own, other] = [`--data ${folder.path}/one`, `--data ${folder.path}/other`];
  const add = (name: string, place: string, database = access) => {
    return chatd(database, `user add ${name} ${place}`, { CHATD_PASSWORD: "correct horse" });
  };
  assert.equal((await add("ana", other)).stdout, "Added ana.\n");
  await using server = await start(access, { folder: folder.path, node: "one" });
  assert.equal((await add("ben", own)).stdout, "Added ben.\n");
  const names = ({ stdout }: ChatdResult) => stdout.split("\n").map((line) => line.split("\t")[0]);
  assert.deepEqual(names(await chatd(access, `user list ${own}`)), ["ana", "ben", ""]);
  assert.equal((await add("cleo", other)).stdout, "Added cleo.\n");
  const elsewhere = await add("dora", own, { ...access, address: { ...access.address, schema: "elsewhere" } });
  assert.equal(elsewhere.code, 1);
  assert.match(elsewhere.stderr, /keeps its data in the database .*, and not in .*\?schema=elsewhere: leave out --da/);
  const check = await chatd(access, "database check");
  assert.deepEqual([check.code, /the node "one" serves/.test(check.stdout)], [0, true], check.stderr);
  server.kill("SIGTERM");
  await server.ended();
  assert.equal((await add("dora", other)).stdout, "Added dora.\n");
});

Deno.test("a server of a data folder does not take commands for a database", async () => {
  await using schema = await openTemporarySchema();
  using folder = temporaryFolder();
  await using _server = await ServerProcess.start({ folder: folder.path });
  const { code, stderr } = await chatd(schema.access, `user list --data ${folder.path}`);
  assert.equal(code, 1);
  assert.match(stderr, /keeps its data in that folder, and not in a database: leave out --database/);
});

Deno.test("a server refuses a database that it cannot use, before it listens", async () => {
  await using schema = await openTemporarySchema();
  const { access } = schema;
  using folder = temporaryFolder();
  const serve = (access: DatabaseAccess) => chatd(access, `serve --listen 127.0.0.1:0 --data ${folder.path}/data`);
  const empty = await serve({ ...access, address: { ...access.address, schema: "nothing_here" } });
  assert.deepEqual([empty.code, empty.stdout], [78, ""]);
  assert.match(empty.stderr, /has no tables of chatd: make them with "chatd database init"/);
  const wrong = await serve({ ...access, password: "wrong" });
  assert.deepEqual([wrong.code, wrong.stdout], [78, ""]);
  assert.match(wrong.stderr, /Cannot log in to the database .* as "chatd".*Check the user and the password file/);
  const absent = await serve({ ...access, address: { ...access.address, hosts: [{ host: "127.0.0.1", port: 1 }] } });
  assert.equal(absent.code, 1);
  assert.match(absent.stderr, /Cannot reach the database 127\.0\.0\.1:1\/chatd\?schema=\w+: connection refused/);
});

Deno.test("a server and the operator's commands refuse a database that may only be read", async () => {
  await using database = await openTemporaryDatabase();
  const { access } = database;
  using folder = temporaryFolder();
  await using connection = await Connection.open(access, { name: "test" });
  await connection.execute(`ALTER DATABASE ${access.address.database} SET default_transaction_read_only = on`);
  for (const command of ["serve --listen 127.0.0.1:0", "user list", "database check", "database migrate"]) {
    const place = command.startsWith("database") ? "" : ` --data ${folder.path}/data`;
    const { code, stdout, stderr } = await chatd(access, command + place);
    assert.notEqual(code, 0, command);
    assert.equal(stdout, "");
    assert.match(stderr, /its transactions may only read, because default_transaction_read_only is on/);
  }
});

Deno.test("a server needs few permissions for its database, which its serving process inherits", async () => {
  await using schema = await openTemporarySchema();
  using folder = temporaryFolder();
  const flags = [
    "--no-prompt",
    "--allow-net",
    `--allow-read=${folder.path},main.ts,src`,
    `--allow-write=${folder.path}`,
    "--allow-env=CHATD_*,OTEL_*,BUF_*,npm_command,PG*,USER,USERNAME",
    "--allow-sys=hostname",
    `--allow-run=${Deno.execPath()}`,
  ];
  const env = databaseEnvironment(schema.access);
  await using server = await ServerProcess.start({ folder: `${folder.path}/data`, supervise: true, flags, env });
  assert.notEqual(server.servingPid(), server.pid);
  const ana = await join("ana", new Http2Transport({ host: "127.0.0.1", port: server.port, callback: false }));
  await ana.stop();
});

Deno.test("--check-config reads the files of the database's login, and names the database", async () => {
  using folder = temporaryFolder();
  const config = `[database]\nurl = "postgres://chatd@db1,db2/chat"\npassword-file = "pw"\nnode = "one"\n`;
  Deno.writeTextFileSync(`${folder.path}/chatd.toml`, config);
  const check = () => runChatd({ args: "serve --config chatd.toml --check-config".split(" "), cwd: folder.path });
  const missing = await check();
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /Cannot read the password file "pw"/);
  Deno.writeTextFileSync(`${folder.path}/pw`, "secret\n");
  const valid = await check();
  assert.deepEqual([valid.code, valid.stderr], [0, ""]);
  assert.match(valid.stdout, /^data in the database db1:5432,db2:5432\/chat, registration open$/m);
});

Deno.test("a data folder is imported with its accounts, and its clients go on without a message twice", async () => {
  await using node = await PostgresNode.start();
  const access = accessTo(node.address, "imported");
  using folder = temporaryFolder();
  const data = `${folder.path}/data`;
  const importing = `database import --data ${data}`;
  const { people: [ana, ben], port } = await (async () => {
    await using server = await ServerProcess.start({ folder: data, args: unlimited });
    const { port } = server;
    const transport = () => new Http2Transport({ host: "127.0.0.1", port, callback: false });
    const people = [await join("ana", transport()), await join("ben", transport())];
    for (let line = 0; line < 20; line++) await people[0].client.send("ben", `in the folder ${line}`);
    await until(() => people[1].received.length === 20);
    assert.match((await chatd(access, importing)).stderr, /is in use by another chatd server/);
    return { people, port };
  })();
  assert.match((await chatd(access, importing)).stderr, /has no tables of chatd/);
  assert.equal((await chatd(access, "database init")).code, 0);
  const imported = await chatd(access, importing);
  assert.equal(imported.code, 0, imported.stderr);
  assert.match(imported.stdout, /2 accounts, 1 conversations, 20 entries, 0 contents of files/);
  await using _server = await start(access, { folder: folder.path, node: "one", port });
  await ana.client.send("ben", "in the database");
  await until(() => ben.received.length === 21);
  await receivesAll(ben, ana);
  await Promise.all([ana.stop(), ben.stop()]);
  assert.match((await chatd(access, importing)).stderr, /node "one" serves it/);
});
