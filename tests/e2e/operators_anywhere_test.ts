import assert from "node:assert/strict";
import { Connection } from "../../src/store/postgres/connection/connection.ts";
import type { DatabaseAccess } from "../../src/store/postgres/connection/database_address.ts";
import { lockKey } from "../../src/store/postgres/schema/fence.ts";
import { exitCode } from "../../src/commands/exit_code.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { databaseEnvironment } from "../support/databases/database_url.ts";
import { openTemporarySchema } from "../support/databases/temporary_schema.ts";
import { type ChatdResult, runChatd } from "../support/processes/chatd_process.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { eventually } from "../support/waiting/eventually.ts";

const password = "correct horse battery";
const unknown = "The server did not answer, and may or may not have run the command.";

/** A database with the folder of a machine that runs no server. */
async function open() {
  await using opened = new AsyncDisposableStack();
  const { access } = opened.use(await openTemporarySchema());
  const { path } = opened.use(temporaryFolder());
  const connection = opened.use(await Connection.open(access, { name: "test" }));
  const start = (node: string) =>
    ServerProcess.start({ folder: `${path}/${node}`, args: ["--node", node], env: databaseEnvironment(access) });
  const elsewhere = (command: string) => run(access, `${command} --data ${path}/elsewhere`);
  const kept = opened.move();
  return { access, path, connection, start, elsewhere, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function run(access: DatabaseAccess, command: string): Promise<ChatdResult> {
  const env = { ...databaseEnvironment(access), CHATD_PASSWORD: password };
  return runChatd({ args: command.split(" "), env });
}

/** Makes commands that add a name wait, until the function that it returns is called. */
async function holdNames(connection: Connection): Promise<() => Promise<void>> {
  await connection.execute(`SELECT pg_advisory_lock(${lockKey("names")})`);
  return () => connection.execute("SELECT pg_advisory_unlock_all()");
}

async function isTaken(connection: Connection): Promise<boolean> {
  return (await connection.query("SELECT FROM operator_request WHERE taken_at IS NOT NULL")).length > 0;
}

Deno.test("the operator's commands work on any machine, and name the operator in the audit log", async () => {
  await using place = await open();
  const { connection, elsewhere } = place;
  await using server = await place.start("one");
  const outputs = async (command: string) => {
    const { code, stdout, stderr } = await elsewhere(command);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  assert.equal(await outputs("user add ana"), "Added ana.\n");
  const [rooms, invitation] = await Promise.all([
    outputs("room list"),
    outputs("user invite"),
    outputs("user set ana --display-name Zoë"),
    outputs("user passwd ana"),
    outputs("retention set all --max-age 30d"),
  ]);
  assert.equal(rooms, "");
  assert.match(invitation, /\S/);
  const [users, rules, log, again] = await Promise.all([
    outputs("user list"),
    outputs("retention list"),
    outputs("audit --json"),
    elsewhere("user add ana"),
  ]);
  assert.match(users, /^ana\t/);
  assert.match(rules, /30/);
  const audit = log.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([...new Set(audit.map(({ actor }) => actor))], ["operator"]);
  assert.ok(audit.some(({ action, subject }) => action === "display_name_set" && subject === "ana"));
  assert.equal(again.code, exitCode.failed);
  assert.match(again.stderr, /^chatd: .*ana/);
  assert.deepEqual(await connection.query("SELECT FROM operator_request"), []);
  // On the machine of the node, they need no database.
  assert.match((await runChatd({ args: ["user", "list", "--data", `${place.path}/one`] })).stdout, /^ana\t/);
  server.kill("SIGTERM");
  await server.ended();
  assert.match(await outputs("user list"), /^ana\t/);
});

Deno.test("the database holds nothing of a command that can be read", async () => {
  await using place = await open();
  const { connection, elsewhere } = place;
  await using _server = await place.start("one");
  await connection.execute(`
    CREATE TABLE seen (request bytea, answer bytea, rest text);
    CREATE FUNCTION note_seen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO seen VALUES (new.request, new.answer, concat(new.id, new.node, new.made_at, new.taken_at));
      RETURN NULL;
    END $$;
    CREATE TRIGGER seen AFTER INSERT OR UPDATE ON operator_request FOR EACH ROW EXECUTE FUNCTION note_seen()`);
  // A short name could be in random bytes.
  assert.equal((await elsewhere("user add anastasia")).code, 0);
  const { stdout: invitation } = await elsewhere("user invite");
  const [, code] = /(\S{10,})\s*$/.exec(invitation)!;
  const rows = await connection.query<{ request: Uint8Array; answer: Uint8Array | null; rest: string }>(
    "SELECT * FROM seen",
  );
  assert.equal(rows.filter(({ answer }) => answer !== null).length, 2);
  const decoder = new TextDecoder("latin1");
  const text = rows.map(({ request, answer, rest }) =>
    [request, answer ?? new Uint8Array()].map((bytes) => decoder.decode(bytes)).join() + rest
  ).join();
  for (const secret of ["anastasia", "user", "invite", "correct", "battery", code]) {
    assert.ok(!text.includes(secret), secret);
  }
});

Deno.test("a command that its node took before it was killed or frozen has an unknown outcome, and no other node takes it", async () => {
  const loseNode = async (signal: Deno.Signal) => {
    await using place = await open();
    const { connection, elsewhere } = place;
    await using first = await place.start("one");
    await using _second = await place.start("two");
    const release = await holdNames(connection);
    const adding = elsewhere("user add ana");
    await eventually(() => isTaken(connection));
    first.kill(signal);
    const { code, stderr } = await adding;
    assert.deepEqual([code, stderr], [exitCode.failed, `chatd: ${unknown}\n`]);
    await release();
    assert.equal((await elsewhere("user add ben")).stdout, "Added ben.\n");
    const left = await connection.query("SELECT answer FROM operator_request");
    assert.deepEqual(left, [{ answer: null }]);
  };
  // At the same time: most of it is the wait for the lease to run out.
  await Promise.all([loseNode("SIGKILL"), loseNode("SIGSTOP")]);
});

Deno.test("a command that no node took before it was frozen runs on the node that takes over", async () => {
  await using place = await open();
  await using first = await place.start("one");
  await using _second = await place.start("two");
  first.kill("SIGSTOP");
  const { code, stdout, stderr } = await place.elsewhere("user add ana");
  assert.deepEqual([code, stdout], [0, "Added ana.\n"], stderr);
  const { length } = await place.connection.query('SELECT FROM "user"');
  assert.equal(length, 1);
});

Deno.test("a command whose node was killed, with no other one, runs once the lease has run out", async () => {
  await using place = await open();
  const first = await place.start("one");
  first.kill("SIGKILL");
  await first.ended();
  const { code, stdout, stderr } = await place.elsewhere("user add ana");
  assert.deepEqual([code, stdout], [0, "Added ana.\n"], stderr);
});

Deno.test("commands on the machine of a node that stands by go to the one that serves", async () => {
  await using place = await open();
  const { access, path } = place;
  await using first = await place.start("one");
  await using _second = await place.start("two");
  assert.equal((await run(access, `user add ana --data ${path}/two`)).stdout, "Added ana.\n");
  const alone = () => runChatd({ args: ["user", "list", "--data", `${path}/two`] });
  assert.match((await alone()).stdout, /^ana\t/);
  first.kill("SIGTERM");
  await first.ended();
  // Also while it takes over.
  assert.match((await alone()).stdout, /^ana\t/);
});
