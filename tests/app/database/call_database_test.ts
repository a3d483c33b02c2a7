import assert from "node:assert/strict";
import { callDatabase, type CallDatabaseOptions } from "../../../src/app/database/call_database.ts";
import { OperatorRequests } from "../../../src/app/database/operator_requests.ts";
import { CallReceiver } from "../../../src/app/database/sealed_call.ts";
import { standbyCommands } from "../../../src/app/database/standby_commands.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import { silentLog } from "../../../src/core/log.ts";
import type { ControlHandlers } from "../../../src/host/control_socket.ts";
import { Connection } from "../../../src/store/postgres/connection/connection.ts";
import type { DatabaseAccess } from "../../../src/store/postgres/connection/database_address.ts";
import { openServingStore, openStoreForCommand } from "../../../src/store/postgres/serving_store.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";
import { emptyOwnDatabase } from "../../support/databases/own_database.ts";
import { eventually } from "../../support/waiting/eventually.ts";

interface NodeOptions {
  /** Whether it takes requests; true unless given. */
  readonly takes?: boolean;
  /** Whether it hears of requests at once; true unless given. */
  readonly listens?: boolean;
  /** Whether it tells its key; true unless given. */
  readonly hasKey?: boolean;
}

/** A node that serves, with handlers of a test. */
async function serve(
  access: DatabaseAccess,
  handlers: ControlHandlers,
  { takes = true, listens = true, hasKey = true }: NodeOptions = {},
) {
  await using opened = new AsyncDisposableStack();
  const { path } = opened.use(temporaryFolder());
  const receiver = await CallReceiver.create();
  const standby = { log: silentLog, signal: new AbortController().signal };
  const node = { node: "one", version: "1.2.3", host: "", ...hasKey && { publicKey: receiver.publicKey } };
  const store = (await openServingStore(access, { ...standby, ...node, folder: path, again: false }))!;
  opened.defer(() => store.close());
  if (takes) {
    const deaf = () => ({ [Symbol.asyncDispose]: () => Promise.resolve() });
    const onRequest = listens ? store.onRequest : deaf;
    const requests = new OperatorRequests({ store: { ...store, onRequest }, receiver, handlers, log: silentLog });
    opened.defer(() => requests.close());
  }
  const connection = opened.use(await Connection.open(access, { name: "test" }));
  const kept = opened.move();
  return { connection, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function call(
  access: DatabaseAccess,
  { command = "echo", args = {}, ...options }: CallDatabaseOptions & {
    command?: string;
    args?: Record<string, unknown>;
  },
): Promise<unknown> {
  return callDatabase(access, { command, arguments: args }, options);
}

function rowsOf(connection: Connection): Promise<{ taken: boolean }[]> {
  return connection.query("SELECT taken_at IS NOT NULL AS taken FROM operator_request");
}

const echo: ControlHandlers = { echo: (args) => Promise.resolve(args) };

Deno.test("a call runs at the node that serves, and its result or error comes back", async () => {
  const access = await emptyOwnDatabase();
  const refuse = () => Promise.reject(new ChatError("already_exists", 'There is a user "ana" already.'));
  await using node = await serve(access, { ...echo, refuse });
  const run = () => assert.fail("the node serves");
  assert.deepEqual(await call(access, { args: { name: "Zoë" }, run }), { name: "Zoë" });
  const refused = await rejectsWith("already_exists", call(access, { command: "refuse", run }));
  assert.equal(refused.message, 'There is a user "ana" already.');
  await rejectsWith("unsupported_version", call(access, { command: "unknown", run }));
  assert.deepEqual(await rowsOf(node.connection), []);
});

Deno.test("a node that hears no notice takes calls all the same", async () => {
  const access = await emptyOwnDatabase();
  await using _node = await serve(access, echo, { listens: false });
  for (let round = 0; round < 2; round++) assert.deepEqual(await call(access, { args: { round } }), { round });
});

Deno.test("calls run at the same time", async () => {
  const access = await emptyOwnDatabase();
  const met = Promise.withResolvers<void>();
  let running = 0;
  const meet = async () => {
    if (++running === 2) met.resolve();
    await met.promise;
  };
  await using _node = await serve(access, { meet });
  await Promise.all([call(access, { command: "meet" }), call(access, { command: "meet" })]);
});

Deno.test("a node that does not take a call in time has not run it", async () => {
  const access = await emptyOwnDatabase();
  await using node = await serve(access, echo, { takes: false });
  const error = await rejectsWith("unavailable", call(access, { patienceMs: 300 }));
  assert.equal(error.message, 'The node "one" did not answer, and has not run the command.');
  assert.deepEqual(await rowsOf(node.connection), []);
});

Deno.test("a call whose node does not answer in time, or is stopped, has an unknown outcome", async () => {
  const access = await emptyOwnDatabase();
  const released = Promise.withResolvers<void>();
  await using node = await serve(access, { hang: () => released.promise });
  const unknown = /^The server did not answer, and may or may not have run the command\.$/;
  // A node that takes calls takes them at once.
  const late = await rejectsWith("unavailable", call(access, { command: "hang", patienceMs: 2_000 }));
  assert.match(late.message, unknown);
  const outcome = rejectsWith("unavailable", call(access, { command: "hang" }));
  await eventually(async () => (await rowsOf(node.connection)).filter(({ taken }) => taken).length === 2);
  await node.connection.query("UPDATE lease SET token = gen_random_uuid()");
  assert.match((await outcome).message, unknown);
  released.resolve();
});

Deno.test("a call that its node did not take before it stopped runs on the store", async () => {
  const access = await emptyOwnDatabase();
  const node = await serve(access, echo, { takes: false });
  const done = call(access, { run: (store) => store.accounts.findUser("ana") });
  await eventually(async () => (await rowsOf(node.connection)).length === 1);
  await node[Symbol.asyncDispose]();
  assert.equal(await done, undefined);
});

Deno.test("a call waits for another command, and says so if that keeps the lease", async () => {
  const access = await emptyOwnDatabase();
  const store = (await openStoreForCommand(access, { log: silentLog }))!;
  const run = () => Promise.resolve("done");
  const busy = await rejectsWith("busy", call(access, { run, patienceMs: 300 }));
  assert.match(busy.message, /^Another command of an operator uses the database .*: try again in a moment\.$/);
  const waiting = call(access, { run });
  await store.close();
  assert.equal(await waiting, "done");
});

Deno.test("a call whose change may have been lost with the database has an unknown outcome", async () => {
  const access = await emptyOwnDatabase();
  const run = () => Promise.reject(new ChatError("unavailable", "The server has lost its database."));
  const error = await rejectsWith("unavailable", call(access, { run }));
  assert.equal(error.message, "The server did not answer, and may or may not have run the command.");
});

Deno.test("a call to a database without tables says how to make them", async () => {
  const access = await emptyOwnDatabase();
  const empty = { ...access, address: { ...access.address, schema: "without_tables" } };
  const error = await rejectsWith("not_found", call(empty, { run: () => assert.fail("there is no store") }));
  assert.match(error.message, /has no tables of chatd: make them with "chatd database init"\.$/);
});

Deno.test("a call that the database does not take was certainly not run", async () => {
  const access = await emptyOwnDatabase();
  await using node = await serve(access, echo);
  await node.connection.execute(`
    CREATE FUNCTION refuse_request() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE 'no space left on device' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER refuse_request BEFORE INSERT ON operator_request FOR EACH ROW EXECUTE FUNCTION refuse_request()`);
  try {
    const error = await rejectsWith("storage_full", call(access, {}));
    assert.match(error.message, /^Nothing was saved, because the disk of the database is full or failing/);
  } finally {
    await node.connection.execute("DROP FUNCTION refuse_request CASCADE");
  }
});

Deno.test("a node without a key is too old for calls from elsewhere", async () => {
  const access = await emptyOwnDatabase();
  await using _node = await serve(access, echo, { hasKey: false });
  const error = await rejectsWith("unsupported_version", call(access, {}));
  assert.match(error.message, /^The node "one" serves, and is too old .*: run this command on its machine, with its/);
});

Deno.test("a call or a result that is too long is refused", async () => {
  const access = await emptyOwnDatabase();
  const long = (length: number) => Promise.resolve("x".repeat(length));
  await using _node = await serve(access, { ...echo, fits: () => long(1_000_000), long: () => long(1_100_000) });
  const fitting = "ä".repeat(8_000);
  assert.deepEqual(await call(access, { args: { fitting } }), { fitting });
  const refused = await rejectsWith("invalid_argument", call(access, { args: { fitting, more: fitting } }));
  assert.equal(refused.message, "A command may have at most 16384 bytes.");
  assert.equal((await call(access, { command: "fits" }) as string).length, 1_000_000);
  assert.equal(
    (await rejectsWith("limit_reached", call(access, { command: "long" }))).message,
    "The command was run, but its result is too long: an answer has at most 1048576 bytes.",
  );
});

Deno.test("a request that was changed in the database, or put back into it, is not run", async () => {
  const access = await emptyOwnDatabase();
  let runs = 0;
  const count = () => Promise.resolve(++runs);
  await using node = await serve(access, { count });
  await node.connection.execute(`
    CREATE TABLE copied AS SELECT * FROM operator_request;
    CREATE FUNCTION copy_request() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN INSERT INTO copied SELECT new.*; RETURN NULL; END $$;
    CREATE TRIGGER copy_request AFTER INSERT ON operator_request FOR EACH ROW EXECUTE FUNCTION copy_request()`);
  try {
    assert.equal(await call(access, { command: "count" }), 1);
    await node.connection.execute("DROP TRIGGER copy_request ON operator_request");
    const put = (id: string) =>
      node.connection.query(`INSERT INTO operator_request SELECT ${id}, clock_timestamp(), node, request FROM copied`);
    await put("id");
    await put("gen_random_uuid()");
    const all = async () => (await rowsOf(node.connection)).map(({ taken }) => taken);
    await eventually(async () => (await all()).join() === "true,true");
    assert.equal(await call(access, { command: "count" }), 2);
    const answered = await node.connection.query("SELECT FROM operator_request WHERE answer IS NOT NULL");
    assert.deepEqual(answered, []);
  } finally {
    await node.connection.execute("DROP TABLE copied; DROP FUNCTION copy_request CASCADE");
  }
});

Deno.test("a node that stands by answers for itself, and passes the rest on to the node that serves", async () => {
  const access = await emptyOwnDatabase();
  const stopped = new AbortController();
  const own = { where: "db:5432/chatd", reason: () => "This server stands by.", signal: stopped.signal };
  const commands = standbyCommands(access, own);
  assert.equal(await commands["server.standby"]({}), "This server stands by.");
  assert.equal(await commands["server.database"]({}), "db:5432/chatd");
  const waiting = commands["user.find"]({ name: "ana" });
  await using _node = await serve(access, { "user.find": ({ name }) => Promise.resolve({ name }) });
  assert.deepEqual(await waiting, { name: "ana" });
});

Deno.test("a node that stands by passes on no call while none serves, and ends the wait when it stops", async () => {
  const access = await emptyOwnDatabase();
  const stopped = new AbortController();
  const commands = standbyCommands(access, { where: "", reason: () => "", signal: stopped.signal });
  const waiting = rejectsWith("unavailable", Promise.resolve(commands["user.find"]({ name: "ana" })));
  stopped.abort();
  assert.match((await waiting).message, /^No node serves from the database .*: try again in a moment\.$/);
});
