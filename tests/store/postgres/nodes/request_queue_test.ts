import assert from "node:assert/strict";
import { silentLog } from "../../../../src/core/log.ts";
import { Connection } from "../../../../src/store/postgres/connection/connection.ts";
import type { DatabaseAccess } from "../../../../src/store/postgres/connection/database_address.ts";
import { RequestLine } from "../../../../src/store/postgres/nodes/request_line.ts";
import type { RequestQueue } from "../../../../src/store/postgres/nodes/request_queue.ts";
import { openServingStore } from "../../../../src/store/postgres/serving_store.ts";
import { temporaryFolder } from "../../../support/checks/temporary_folder.ts";
import { emptyOwnDatabase, endConnections } from "../../../support/databases/own_database.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const request = new TextEncoder().encode("sealed");
const publicKey = new Uint8Array(32).fill(7);

/** A node that serves, and a connection of an operator. */
async function open(access: DatabaseAccess) {
  await using opened = new AsyncDisposableStack();
  const { path } = opened.use(temporaryFolder());
  const standby = { log: silentLog, signal: new AbortController().signal };
  const node = { node: "one", version: "1.2.3", host: "host.example", publicKey };
  const store = (await openServingStore(access, { ...standby, ...node, folder: path, again: false }))!;
  opened.defer(() => store.close());
  const connection = opened.use(await Connection.open(access, { name: "test" }));
  const line = opened.use(await RequestLine.open(access));
  const { token } = (await line.findServing())!;
  const add = async () => {
    const id = crypto.randomUUID();
    await line.add({ id, token, request });
    return id;
  };
  const kept = opened.move();
  return { store, connection, line, add, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function takeIds(requests: RequestQueue, limit = 32): Promise<string[]> {
  return (await requests.take(limit)).map(({ id }) => id);
}

Deno.test("the holder of the lease is found with its key, as long as it holds it", async () => {
  const access = await emptyOwnDatabase();
  await using line = await RequestLine.open(access);
  assert.equal(await line.findServing(), undefined);
  {
    await using _node = await open(access);
    const holder = (await line.findServing())!;
    assert.deepEqual([holder.node, new Uint8Array(holder.publicKey!)], ["one", publicKey]);
    assert.ok(Math.abs(holder.now - Date.now()) < 60_000);
  }
  assert.equal(await line.findServing(), undefined);
});

Deno.test("a request is taken once, answered, and removed by its caller", async () => {
  await using node = await open(await emptyOwnDatabase());
  const { line, store: { requests } } = node;
  const id = await node.add();
  assert.deepEqual(await line.read(id), { isTaken: false, answer: null, isServing: true });
  const taken = await Promise.all([requests.take(32), requests.take(32), requests.take(32)]);
  assert.deepEqual(taken.flat().map((one) => [one.id, new TextDecoder().decode(one.request)]), [[id, "sealed"]]);
  assert.deepEqual(await line.read(id), { isTaken: true, answer: null, isServing: true });
  await requests.answer(id, new Uint8Array([1, 2]));
  assert.deepEqual(new Uint8Array((await line.read(id))!.answer!), new Uint8Array([1, 2]));
  await line.remove(id);
  assert.equal(await line.read(id), undefined);
});

Deno.test("as many requests are taken as the node asks for, oldest first", async () => {
  await using node = await open(await emptyOwnDatabase());
  const ids = [await node.add(), await node.add(), await node.add()];
  assert.deepEqual((await takeIds(node.store.requests, 2)).toSorted(), ids.slice(0, 2).toSorted());
  assert.deepEqual(await takeIds(node.store.requests), [ids[2]]);
  assert.deepEqual(await takeIds(node.store.requests), []);
});

Deno.test("a request that was withdrawn is not taken, and one that was taken is not withdrawn", async () => {
  await using node = await open(await emptyOwnDatabase());
  const [withdrawn, taken] = [await node.add(), await node.add()];
  assert.equal(await node.line.withdraw(withdrawn), true);
  assert.deepEqual(await takeIds(node.store.requests), [taken]);
  assert.equal(await node.line.withdraw(taken), false);
  assert.equal(await node.line.withdraw(withdrawn), false);
});

Deno.test("no process takes a request to another one, nor after its lease ran out", async () => {
  await using node = await open(await emptyOwnDatabase());
  const { connection, line, store: { requests } } = node;
  const elsewhere = crypto.randomUUID();
  await line.add({ id: elsewhere, token: crypto.randomUUID(), request });
  assert.deepEqual(await takeIds(requests), []);
  assert.deepEqual(await line.read(elsewhere), { isTaken: false, answer: null, isServing: false });
  const id = await node.add();
  await connection.query("UPDATE lease SET token = gen_random_uuid()");
  assert.deepEqual(await takeIds(requests), []);
  assert.deepEqual(await line.read(id), { isTaken: false, answer: null, isServing: false });
});

Deno.test("rows that their callers left are removed", async () => {
  await using node = await open(await emptyOwnDatabase());
  const { connection, line, store: { requests } } = node;
  const [old, young] = [await node.add(), await node.add()];
  await connection.query("UPDATE operator_request SET made_at = made_at - interval '3 min' WHERE id = $1", [old]);
  await requests.removeOld();
  assert.equal(await line.read(old), undefined);
  assert.ok(await line.read(young));
});

Deno.test("a node is woken by requests to it alone, also after its connection for notices was lost", async () => {
  await using node = await open(await emptyOwnDatabase());
  const { connection, line } = node;
  let woken = 0;
  await using _notices = node.store.onRequest(() => woken++);
  const isListening = `SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'chatd listen %' AND query LIKE 'LISTEN%'
      AND state = 'idle'`;
  const listens = async () => (await connection.query(isListening)).length === 1;
  await eventually(listens);
  await line.add({ id: crypto.randomUUID(), token: crypto.randomUUID(), request });
  await node.add();
  await eventually(() => woken > 0);
  assert.equal(woken, 1);
  await endConnections("chatd listen");
  await eventually(listens);
  await node.add();
  await eventually(() => woken > 1);
});
