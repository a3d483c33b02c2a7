import assert from "node:assert/strict";
import { findings } from "../../../src/commands/doctor/database.ts";
import { version } from "../../../src/host/version.ts";
import type { DatabaseAddress } from "../../../src/store/postgres/connection/database_address.ts";
import type { DatabaseCondition } from "../../../src/store/postgres/database_condition.ts";
import type { ListedNode } from "../../../src/store/postgres/nodes/node_row.ts";

const address: DatabaseAddress = {
  hosts: [{ host: "db.example.com", port: 5432 }],
  user: "chatd",
  database: "chatd",
  sslMode: "verify-full",
  schema: "chatd",
};

function node(name: string, state: ListedNode["state"], more: Partial<ListedNode> = {}): ListedNode {
  return { name, state, version, host: "host.example", since: new Date(), silentMs: 1_000, ...more };
}

const healthy: DatabaseCondition = {
  nodes: [node("one", "serving"), node("two", "standby")],
  bytes: 3 * 1024 * 1024,
  standbys: [{ name: "replica", isSynchronous: true, lagBytes: 0 }],
  riskySettings: [],
  longTransactions: [],
  freeConnections: 80,
  clockAheadMs: 3,
  isEncrypted: true,
  searchLag: 0,
};

function examine(change: Partial<DatabaseCondition>, place: Partial<DatabaseAddress> = {}) {
  return [...findings({ ...healthy, ...change }, { ...address, ...place })];
}

/** The findings that are not ok, with their kinds. */
function doubts(change: Partial<DatabaseCondition>, place: Partial<DatabaseAddress> = {}): string[] {
  return examine(change, place).filter(({ kind }) => kind !== "ok").map(({ kind, what }) => `${kind}: ${what}`);
}

Deno.test("a database in good condition has no warnings", () => {
  assert.deepEqual(examine({}).map(({ kind, what }) => `${kind}: ${what}`), [
    "ok: the database has 3 MiB",
    'ok: the node "one" serves',
    'ok: standing by: "two"',
    'ok: the standby "replica" is synchronous, and 0 MiB behind',
    "ok: PostgreSQL accepts 80 more connections",
    "ok: the clocks of the database and of this machine agree",
  ]);
});

Deno.test("nodes that are missing, gone, or of another version are named", () => {
  assert.deepEqual(doubts({ nodes: [] }), ["warning: no node serves"]);
  assert.deepEqual(doubts({ nodes: [node("one", "serving")] }), [
    "warning: no node stands by, so nothing takes over if the serving one is lost",
  ]);
  const nodes = [node("one", "serving"), node("two", "standby", { version: "0.0.1" }), node("three", "gone")];
  assert.deepEqual(doubts({ nodes }), [
    'warning: the node "three" is gone since 1 s',
    `warning: nodes and this command have different versions of chatd: 0.0.1, ${version}`,
  ]);
});

Deno.test("settings that lose messages are problems, and others are warnings", () => {
  assert.deepEqual(doubts({ riskySettings: ["fsync = off", "autovacuum = off"] }), [
    "problem: PostgreSQL has fsync = off: a crash can lose accepted messages",
    "warning: PostgreSQL has autovacuum = off: tables grow, and plans get slow",
  ]);
});

Deno.test("standbys that lag, long transactions, few connections, another time and a late index are warnings", () => {
  const standbys = [
    { name: "late", isSynchronous: false, lagBytes: 65 * 1024 * 1024 },
    { name: "hidden", isSynchronous: false, lagBytes: undefined },
  ];
  assert.deepEqual(doubts({ standbys }), ['warning: the standby "late" is asynchronous, and 65 MiB behind']);
  const longTransactions = [
    { process: 7, application: "psql", seconds: 90, isIdle: true },
    { process: 8, application: "", seconds: 61, isIdle: false },
  ];
  assert.deepEqual(doubts({ longTransactions }), [
    'warning: a transaction of "psql" (process 7) is open for 90 s, and idle',
    "warning: a transaction of a program (process 8) is open for 61 s",
  ]);
  assert.deepEqual(doubts({ freeConnections: -2 }), ["warning: PostgreSQL accepts 0 more connections"]);
  assert.deepEqual(doubts({ clockAheadMs: -2_600 }), [
    "warning: the clock of the database is 2.6 s behind this machine's",
  ]);
  assert.deepEqual(doubts({ searchLag: 10_000 }), ["warning: the search index lacks 10000 or more entries"]);
});

Deno.test("a connection beyond this machine is a warning unless the certificate is verified", () => {
  assert.deepEqual(doubts({ isEncrypted: false }, { sslMode: "disable" }), [
    "warning: the connection to PostgreSQL is not encrypted",
  ]);
  assert.deepEqual(doubts({}, { sslMode: "require" }), [
    "warning: the connection is encrypted, but the certificate of PostgreSQL is not verified",
  ]);
  assert.deepEqual(doubts({}, { sslMode: "disable", hosts: [{ host: "127.0.0.1", port: 5432 }] }), []);
});
