import assert from "node:assert/strict";
import { silentLog } from "../../../../src/core/log.ts";
import { Connection } from "../../../../src/store/postgres/connection/connection.ts";
import { HeldLease } from "../../../../src/store/postgres/connection/held_lease.ts";
import { findLeaseHolder, releaseLease } from "../../../../src/store/postgres/connection/lease.ts";
import { waitForLease, type WaitForLeaseOptions } from "../../../../src/store/postgres/connection/wait_for_lease.ts";
import type { PostgresStore } from "../../../../src/store/postgres/open_postgres_store.ts";
import { openStoreForCommand } from "../../../../src/store/postgres/serving_store.ts";
import { emptyOwnDatabase, endConnections } from "../../../support/databases/own_database.ts";
import { rejectsWith } from "../../../support/checks/chat_error_assertions.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

/** A lease that runs out soon when it is not renewed. */
const brief = { lastsMs: 500, renewMs: 50 };
/** A lease that is not renewed while a test runs. */
const still = { lastsMs: 3_600_000, renewMs: 3_600_000 };

function claim(node: string, options: Partial<WaitForLeaseOptions> = {}): WaitForLeaseOptions {
  return { node, token: crypto.randomUUID(), log: silentLog, signal: new AbortController().signal, ...options };
}

async function take(...args: Parameters<typeof waitForLease>): Promise<HeldLease & AsyncDisposable> {
  const lease = await waitForLease(...args);
  assert.ok(lease);
  return Object.assign(lease, { [Symbol.asyncDispose]: () => lease.release() });
}

Deno.test("a node waits while another one serves, says so once, and takes over when that one stops", async () => {
  const access = await emptyOwnDatabase();
  const first = await take(access, claim("first"));
  const said: unknown[] = [];
  const log = { ...silentLog, info: (event: string, details?: object) => said.push([event, details]) };
  const waiting = waitForLease(access, claim("second", { log }));
  await eventually(() => said.length > 0);
  await first.release();
  const second = (await waiting)!;
  assert.deepEqual(said, [["standing by: another node serves", { node: "first" }]]);
  assert.equal(second.generation, first.generation + 1);
  await second.release();
});

Deno.test("a node that waits for an operator's command says so, and does not take it for a node", async () => {
  const access = await emptyOwnDatabase();
  const store = (await openStoreForCommand(access, { log: silentLog }))!;
  const said: unknown[] = [];
  const waiting = waitForLease(access, claim("node", { onStandby: (reason) => said.push(reason) }));
  await eventually(() => said.length > 0);
  await store.close();
  await (await waiting)!.release();
  assert.deepEqual(said, [{ obstacle: "A command of an operator uses the database now." }]);
});

Deno.test("a node stops waiting when it is told to stop", async () => {
  const access = await emptyOwnDatabase();
  await using _first = await take(access, claim("first"));
  const stopped = new AbortController();
  const waiting = waitForLease(access, claim("second", { signal: stopped.signal }));
  stopped.abort();
  assert.equal(await waiting, undefined);
});

Deno.test("a lease that is not renewed is taken by another node, and lost for the one that had it", async () => {
  const access = await emptyOwnDatabase();
  await using first = await take(access, claim("first", { timing: { lastsMs: 500, renewMs: 3_600_000 } }));
  await using second = await take(access, claim("second", { timing: still }));
  assert.equal(second.generation, first.generation + 1);
  await rejectsWith("unavailable", Promise.resolve(first.confirm()));
  assert.match((await first.lost).message, /Another server has taken over/);
});

Deno.test("a lease is kept by renewals, over a lost connection too", async () => {
  const access = await emptyOwnDatabase();
  await using first = await take(access, claim("first", { timing: { ...brief, lastsMs: 5_000 } }));
  await using connection = await Connection.open(access, { name: "test" });
  const until = async () => (await connection.query<{ until: Date }>("SELECT until FROM lease"))[0].until.getTime();
  for (let round = 0; round < 3; round++) {
    const before = await until();
    await eventually(async () => await until() > before);
    await endConnections("chatd lease");
  }
  await first.confirm();
  assert.deepEqual(await findLeaseHolder(connection), { node: "first", isHeld: true });
});

Deno.test("a lease whose database does not answer is lost when it has run out", async () => {
  const access = await emptyOwnDatabase();
  await using first = await take(access, claim("first", { timing: brief }));
  await using connection = await Connection.open(access, { name: "test" });
  // Renewals wait for the lock of this transaction.
  await connection.execute("BEGIN; LOCK TABLE lease IN ACCESS EXCLUSIVE MODE");
  assert.match((await first.lost).message, /has lost its database/);
  await connection.execute("ROLLBACK");
});

Deno.test("the next process of a node does not wait for the lease of one that is dead", async () => {
  const access = await emptyOwnDatabase();
  const token = crypto.randomUUID();
  await using dead = await take(access, claim("first", { token, timing: still }));
  await using next = await take(access, claim("first", { deadToken: token, timing: still }));
  assert.equal(next.generation, dead.generation + 1);
});

Deno.test("another node waits, though it has the token of a dead process in a copied folder", async () => {
  const access = await emptyOwnDatabase();
  const token = crypto.randomUUID();
  await using _dead = await take(access, claim("first", { token, timing: still }));
  const stopped = new AbortController();
  const said: string[] = [];
  const log = { ...silentLog, info: (event: string) => said.push(event) };
  const waiting = waitForLease(access, claim("copy", { deadToken: token, log, signal: stopped.signal }));
  await eventually(() => said.length > 0);
  stopped.abort();
  assert.equal(await waiting, undefined);
});

Deno.test("an answer from before a freeze does not confirm a lease", async () => {
  const answers = [Promise.withResolvers<unknown[]>(), Promise.withResolvers<unknown[]>()];
  let asked = 0;
  const connection = { query: () => answers[asked++].promise, close: () => Promise.resolve() } as unknown as Connection;
  const timing = { lastsMs: 20, renewMs: 3_600_000 };
  const lease = new HeldLease({
    access: await emptyOwnDatabase(),
    generation: 1,
    since: -Infinity,
    connection,
    timing,
  });
  const confirmed = Promise.resolve(lease.confirm());
  const frozenUntil = performance.now() + timing.lastsMs;
  await eventually(() => performance.now() >= frozenUntil);
  answers[0].resolve([{}]);
  // Another node has the lease by now.
  answers[1].resolve([]);
  await rejectsWith("unavailable", confirmed);
  assert.equal(asked, 2);
  await lease.release().catch(() => {});
});

Deno.test("a takeover ends no connection of a chat in another schema", async () => {
  const access = await emptyOwnDatabase();
  await using first = await take(access, claim("first", { timing: { lastsMs: 500, renewMs: 3_600_000 } }));
  const name = "write";
  const { generation } = first;
  await using own = await Connection.open(access, { name, generation });
  const other = { ...access, address: { ...access.address, schema: `${access.address.schema.slice(0, -1)}_` } };
  await using beside = await Connection.open(other, { name, generation });
  await using _second = await take(access, claim("second", { timing: still }));
  assert.match(String(await own.ended), /terminat/);
  assert.deepEqual(await beside.query("SELECT 1 AS one"), [{ one: 1 }]);
});

Deno.test("a lease that was given back is not held, and its node cannot renew it for another one", async () => {
  const access = await emptyOwnDatabase();
  const first = await take(access, claim("first"));
  await first.release();
  await using connection = await Connection.open(access, { name: "test" });
  assert.deepEqual(await findLeaseHolder(connection), { node: "first", isHeld: false });
  await using second = await take(access, claim("second"));
  await releaseLease(connection, first.generation);
  assert.deepEqual(await findLeaseHolder(connection), { node: "second", isHeld: true });
  await second.confirm();
});

Deno.test("a takeover ends the connections of the former holder, and none of another schema or another user", async () => {
  const access = await emptyOwnDatabase();
  const elsewhere = { ...access, address: { ...access.address, schema: "another_chat" } };
  const user = `stranger_${access.address.schema}`;
  const stranger = { ...access, password: user, address: { ...access.address, user } };
  await using first = await take(access, claim("first", { timing: { lastsMs: 500, renewMs: 3_600_000 } }));
  await using admin = await Connection.open(access, { name: "test" });
  await admin.execute(`CREATE ROLE ${user} LOGIN PASSWORD '${user}'`);
  const write = { name: "write", generation: first.generation };
  {
    await using own = await Connection.open(access, write);
    await using neighbour = await Connection.open(elsewhere, write);
    await using foreign = await Connection.open(stranger, write);
    await using _second = await take(access, claim("second", { timing: still }));
    assert.match(String(await own.ended), /terminating connection/);
    for (const other of [neighbour, foreign]) assert.deepEqual(await other.query("SELECT 1 AS one"), [{ one: 1 }]);
  }
  await admin.execute(`DROP ROLE ${user}`);
});

Deno.test("a command gets the store while no node and no other command has the lease", async () => {
  const access = await emptyOwnDatabase();
  const open = () => openStoreForCommand(access, { log: silentLog });
  {
    await using _store = asDisposable((await open())!);
    assert.equal(await open(), undefined);
  }
  const node = await take(access, claim("first", { timing: still }));
  assert.equal(await open(), undefined);
  await node.release();
  await using _again = asDisposable((await open())!);
});

function asDisposable(store: PostgresStore): AsyncDisposable {
  return { [Symbol.asyncDispose]: () => store.close() };
}
