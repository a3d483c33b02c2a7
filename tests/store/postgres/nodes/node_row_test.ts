import assert from "node:assert/strict";
import { silentLog } from "../../../../src/core/log.ts";
import { Connection } from "../../../../src/store/postgres/connection/connection.ts";
import type { DatabaseAccess } from "../../../../src/store/postgres/connection/database_address.ts";
import type { HeldLease } from "../../../../src/store/postgres/connection/held_lease.ts";
import { waitForLease } from "../../../../src/store/postgres/connection/wait_for_lease.ts";
import { listNodes, type NodeIdentity, NodeRow } from "../../../../src/store/postgres/nodes/node_row.ts";
import { rejectsWith } from "../../../support/checks/chat_error_assertions.ts";
import { emptySchema } from "../../../support/databases/postgres_store.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const { signal } = new AbortController();

function identity(node: string, options: Partial<NodeIdentity> = {}): NodeIdentity {
  return { node, token: crypto.randomUUID(), version: "1.2.3", host: "host.example", ...options };
}

async function connect(access: DatabaseAccess): Promise<Connection> {
  return await Connection.open(access, { name: "test" });
}

async function lateBy(connection: Connection, interval: string): Promise<void> {
  await connection.query("UPDATE node SET seen = seen - $1::interval", [interval]);
}

async function states(connection: Connection): Promise<string[]> {
  return (await listNodes(connection)).map(({ name, state }) => `${name} ${state}`);
}

function begin(access: DatabaseAccess, own: NodeIdentity, stop?: AbortSignal): Promise<HeldLease | undefined> {
  const timing = { lastsMs: 10_000, renewMs: 50 };
  return waitForLease(access, { ...own, row: new NodeRow(own), log: silentLog, signal: stop ?? signal, timing });
}

Deno.test("nodes are listed with what they do, until they stop in order", async () => {
  const access = await emptySchema();
  await using connection = await connect(access);
  const lease = (await begin(access, identity("zoe")))!;
  const stopped = new AbortController();
  const waiting = begin(access, identity("abe"), stopped.signal);
  await eventually(async () => (await states(connection)).length === 2);
  assert.deepEqual(await states(connection), ["zoe serving", "abe standby"]);
  const [{ version, host, since, silentMs }] = await listNodes(connection);
  assert.deepEqual([version, host], ["1.2.3", "host.example"]);
  assert.ok(since.getTime() <= Date.now() && silentMs >= 0);
  stopped.abort();
  assert.equal(await waiting, undefined);
  assert.deepEqual(await states(connection), ["zoe serving"]);
  await lease.release();
  assert.deepEqual(await states(connection), []);
});

Deno.test("the row of a node is renewed with its lease, and a node that is silent is gone", async () => {
  const access = await emptySchema();
  await using connection = await connect(access);
  await new NodeRow(identity("silent")).renew(connection, { signal });
  const lease = (await begin(access, identity("one")))!;
  await lateBy(connection, "11 s");
  await eventually(async () => (await states(connection)).includes("one serving"));
  assert.deepEqual(await states(connection), ["one serving", "silent gone"]);
  await lateBy(connection, "24 h");
  await lease.release();
  // Who takes the lease removes old rows.
  const next = (await begin(access, identity("two")))!;
  assert.deepEqual(await states(connection), ["two serving"]);
  await next.release();
});

Deno.test("two living processes cannot have one name", async () => {
  const access = await emptySchema();
  await using connection = await connect(access);
  const lease = (await begin(access, identity("one")))!;
  const refused = await rejectsWith("already_exists", begin(access, identity("one")));
  assert.equal(
    refused.message,
    'Another process on host.example is the node "one": give each its own name with --node NAME.',
  );
  assert.deepEqual(await states(connection), ["one serving"]);
  await lease.release();
});

Deno.test("a node takes the row of its own dead process at once, and any other one when it has run out", async () => {
  const access = await emptySchema();
  await using connection = await connect(access);
  const dead = identity("one");
  await new NodeRow(dead).renew(connection, { signal });
  const next = new NodeRow(identity("one", { deadToken: dead.token }));
  await next.renew(connection, { signal });
  const elsewhere = new NodeRow(identity("one"));
  await rejectsWith("busy", elsewhere.renew(connection, { signal }));
  await lateBy(connection, "11 s");
  await elsewhere.renew(connection, { signal });
  // It is not the row of the other one any more.
  await next.remove(connection);
  assert.deepEqual(await states(connection), ["one standby"]);
  await elsewhere.remove(connection);
  assert.deepEqual(await states(connection), []);
});
