import assert from "node:assert/strict";
import { ChatError } from "../../../src/core/chat_error.ts";
import { checkHosts, findings } from "../../../src/commands/doctor/database_findings.ts";
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
  seesOthers: true,
  replication: {
    standbys: [{ name: "replica", isSynchronous: true, lagBytes: 0 }],
    synchronousNames: "replica",
    unusedSlots: [],
  },
  riskySettings: [],
  unvacuumed: [],
  longTransactions: [],
  preparedTransactions: [],
  connections: { count: 80, limitedBy: "server" },
  clockAheadMs: 3,
  isEncrypted: true,
  searchLag: 0,
  scans: [],
};

const ofServer = { scope: "server" } as const;

function examine(
  change: Partial<DatabaseCondition>,
  { maxDiskBytes, ...place }: Partial<DatabaseAddress & { maxDiskBytes: number }> = {},
) {
  return [...findings({ ...healthy, ...change }, { address: { ...address, ...place }, maxDiskBytes })];
}

/** The findings that are not ok, with their kinds. */
function doubts(change: Partial<DatabaseCondition>, place?: Parameters<typeof examine>[1]): string[] {
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
    'warning: the node "three" has been gone for 1 s',
    `warning: nodes and this command have different versions of chatd: 0.0.1, ${version}`,
  ]);
});

Deno.test("settings that lose messages are problems, and others are warnings, each with the statement against it", () => {
  const riskySettings = [
    { name: "autovacuum", value: "off", ...ofServer },
    { name: "fsync", value: "off", ...ofServer },
    { name: "full_page_writes", value: "off", ...ofServer },
    { name: "synchronous_commit", value: "off", scope: "role" as const },
  ];
  assert.deepEqual(doubts({ riskySettings }), [
    "warning: PostgreSQL has autovacuum = off: tables grow, and plans get slow",
    "problem: PostgreSQL has fsync = off: a crash can lose accepted messages",
    "warning: PostgreSQL has full_page_writes = off: a crash can damage the database, unless its file system writes " +
    "whole pages, as ZFS",
    "problem: PostgreSQL has synchronous_commit = off: a crash can lose accepted messages",
  ]);
  const remedies = examine({ riskySettings }).flatMap(({ kind, fix }) => kind === "problem" ? [fix] : []);
  assert.deepEqual(remedies, [
    "Remove it from postgresql.conf, or ALTER SYSTEM RESET fsync; then SELECT pg_reload_conf().",
    'ALTER ROLE "chatd" RESET synchronous_commit, and restart the nodes.',
  ]);
  assert.deepEqual(doubts({ unvacuumed: ["entry"] }), [
    'warning: the table "entry" is not vacuumed automatically, so it grows',
  ]);
});

Deno.test("a commit that does not wait for the synchronous standby is a problem where one is configured", () => {
  const riskySettings = [{ name: "synchronous_commit", value: "local", ...ofServer }];
  assert.deepEqual(doubts({ riskySettings }), [
    "problem: PostgreSQL has synchronous_commit = local: accepted messages do not wait for the synchronous standby",
  ]);
  const replication = { ...healthy.replication, synchronousNames: "" };
  assert.deepEqual(doubts({ riskySettings, replication }), []);
});

Deno.test("a synchronous standby that is missing is a problem, and one that lags or left its slot a warning", () => {
  const late = { name: "late", isSynchronous: false, lagBytes: 65 * 1024 * 1024 };
  const replication = { ...healthy.replication, standbys: [late] };
  assert.deepEqual(doubts({ replication }), [
    'warning: the standby "late" is asynchronous, and 65 MiB behind',
    "problem: no synchronous standby streams (synchronous_standby_names = replica), so no message is accepted",
  ]);
  const one = { name: "one", isSynchronous: true, lagBytes: 0 };
  const several = { unusedSlots: [], standbys: [one], synchronousNames: "ANY 2 (one, two, three)" };
  assert.deepEqual(doubts({ replication: several }), [
    "problem: only 1 of 2 synchronous standbys stream (synchronous_standby_names = ANY 2 (one, two, three)), so no " +
    "message is accepted",
  ]);
  assert.deepEqual(doubts({ replication: { ...several, standbys: [one, { ...one, name: "two" }] } }), []);
  assert.deepEqual(doubts({ replication: { ...several, synchronousNames: '"one", two' } }), []);
  assert.deepEqual(doubts({ replication: { ...replication, standbys: [] }, seesOthers: false }), [
    'warning: the user "chatd" may not see standbys, nor transactions of other users, so they are not checked',
  ]);
  const unusedSlots = [{ name: "old", keptBytes: 300 * 1024 * 1024 }, { name: "brief", keptBytes: 1024 }];
  assert.deepEqual(doubts({ replication: { ...healthy.replication, unusedSlots } }), [
    'warning: the replication slot "old" is not used, and keeps 300 MiB of the write-ahead log, which grows until the ' +
    "disk is full",
  ]);
});

Deno.test("long transactions, few connections, another time, a late index and scans are warnings", () => {
  const longTransactions = [
    { process: 7, application: "psql", seconds: 90, isIdle: true },
    { process: 8, application: "", seconds: 61, isIdle: false },
  ];
  assert.deepEqual(doubts({ longTransactions, preparedTransactions: ["move"] }), [
    'warning: a transaction of "psql" (process 7) has been open for 90 s, and idle',
    "warning: a transaction of a program (process 8) has been open for 61 s",
    'warning: the prepared transaction "move" has been open for more than a minute',
  ]);
  assert.deepEqual(doubts({ connections: { count: 3, limitedBy: "role" } }), [
    "warning: PostgreSQL accepts 3 more connections, and two nodes need 20 during a takeover",
  ]);
  assert.deepEqual(doubts({ clockAheadMs: -2_600 }), [
    "warning: the clock of the database is 2.6 s behind this machine's",
  ]);
  assert.deepEqual(doubts({ searchLag: 10_000 }), ["warning: the search index lacks 10000 or more entries"]);
  const scans = [{ table: "entry", count: 120, since: new Date(0) }];
  assert.deepEqual(doubts({ scans }), [
    'warning: the large table "entry" was read as a whole 120 times since 1970-01-01T00:00:00.000Z',
  ]);
});

Deno.test("a database beyond --max-disk is a problem", () => {
  const mebibyte = 1024 * 1024;
  assert.equal(examine({}, { maxDiskBytes: 4 * mebibyte })[0].what, "the database has 3 MiB of 4 MiB (--max-disk)");
  assert.deepEqual(doubts({}, { maxDiskBytes: 3 * mebibyte }), [
    "problem: the database has 3 MiB of 3 MiB (--max-disk)",
  ]);
});

Deno.test("of several hosts, each is named, and there is one primary", () => {
  const [one, two] = ["db1", "db2"].map((host) => ({ host, port: 5432 }));
  const obstacle = new ChatError("unavailable", "Cannot reach the database db2:5432/chatd: connection refused.");
  const primary = { state: "primary" } as const;
  const standby = { state: "standby", obstacle } as const;
  const unusable = { state: "unusable", obstacle } as const;
  const about = (...hosts: Parameters<typeof checkHosts>[0]) =>
    [...checkHosts(hosts, address)].map(({ kind, what }) => `${kind}: ${what}`);
  assert.deepEqual(about({ ...one, ...primary }), []);
  assert.deepEqual(about({ ...one, ...primary }, { ...two, ...standby }), [
    "ok: db2:5432 is a standby, from which nodes serve once it is promoted",
  ]);
  assert.deepEqual(about({ ...one, ...primary }, { ...two, ...unusable }), [`warning: ${obstacle.message}`]);
  assert.deepEqual(about({ ...one, ...primary }, { ...two, ...primary }), [
    "problem: db1:5432 and db2:5432 are both primaries, and nodes use the first one that answers",
  ]);
  // Two addresses of one server, such as those of two proxies.
  const server = "1790000000.5";
  assert.deepEqual(about({ ...one, ...primary, server }, { ...two, ...primary, server }), []);
  assert.equal(about({ ...one, ...primary, server }, { ...two, ...primary, server: "1790000000.6" }).length, 1);
  assert.deepEqual(about({ ...one, ...standby }, { ...two, ...unusable }), [
    "ok: db1:5432 is a standby, from which nodes serve once it is promoted",
    `problem: ${obstacle.message}`,
    'problem: none of the hosts is a primary that "chatd" can use, so no node can serve',
  ]);
  for (const alone of [standby, unusable]) {
    assert.deepEqual(about({ ...two, ...alone }), [`problem: ${obstacle.message}`]);
  }
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
