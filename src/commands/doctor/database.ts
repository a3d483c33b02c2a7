import { type DatabaseOptions, readAccess } from "../../app/database/database_access.ts";
import { ChatError } from "../../core/chat_error.ts";
import { isLoopback } from "../../host/loopback.ts";
import { version } from "../../host/version.ts";
import type { DatabaseAddress } from "../../store/postgres/connection/database_address.ts";
import type { DatabaseCondition, LongTransaction, Standby } from "../../store/postgres/database_condition.ts";
import type { ListedNode } from "../../store/postgres/nodes/node_row.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

const mebibyte = 1024 * 1024;
/** Less lag than this is normal under load. */
const largeLagBytes = 64 * mebibyte;
/** A node needs up to ten connections, and a takeover those of two nodes. */
const fewConnections = 20;
const clockToleranceMs = 2_000;
const largeSearchLag = 10_000;

/** Checks that a node can serve from a database, and the condition of the database. Changes nothing. */
export async function* examinePostgres(database: DatabaseOptions): AsyncGenerator<Finding, void> {
  const { inspectDatabase } = await import("../../store/postgres/inspect_database.ts");
  const { readCondition } = await import("../../store/postgres/database_condition.ts");
  let condition: DatabaseCondition;
  try {
    const access = await readAccess(database);
    const { where, server, version, warnings } = await inspectDatabase(access);
    yield ok(`${where}: PostgreSQL ${server}, tables of version ${version}`);
    for (const { problem, advice } of warnings) yield warning(problem, advice);
    condition = await readCondition(access);
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    yield problem(error.message);
    return;
  }
  yield* findings(condition, database.url.address);
}

/** Returns the findings about a database that a node can serve from. */
export function* findings(condition: DatabaseCondition, address: DatabaseAddress): Generator<Finding, void> {
  yield ok(`the database has ${Math.ceil(condition.bytes / mebibyte)} MiB`);
  yield* checkNodes(condition.nodes);
  for (const standby of condition.standbys) yield checkStandby(standby);
  for (const setting of condition.riskySettings) {
    yield setting.startsWith("autovacuum")
      ? warning(`PostgreSQL has ${setting}: tables grow, and plans get slow`, "Turn autovacuum on.")
      : problem(`PostgreSQL has ${setting}: a crash can lose accepted messages`, `Remove it from postgresql.conf.`);
  }
  for (const transaction of condition.longTransactions) yield checkTransaction(transaction);
  yield checkConnections(condition.freeConnections);
  yield checkClock(condition.clockAheadMs);
  yield* checkEncryption(condition, address);
  if (condition.searchLag >= largeSearchLag) {
    yield warning(
      `the search index lacks ${condition.searchLag} or more entries`,
      "Wait until the serving node has indexed them; if the number grows, look at its log.",
    );
  }
}

function* checkNodes(nodes: readonly ListedNode[]): Generator<Finding, void> {
  const living = nodes.filter(({ state }) => state !== "gone");
  const serving = living.find(({ state }) => state === "serving");
  if (serving === undefined) yield warning("no node serves", 'Start one: "chatd serve --database URL".');
  else yield ok(`the node "${serving.name}" serves`);
  const others = living.filter(({ state }) => state === "standby").map(({ name }) => `"${name}"`);
  if (others.length > 0) yield ok(`standing by: ${others.join(", ")}`);
  else if (serving !== undefined) {
    yield warning(
      "no node stands by, so nothing takes over if the serving one is lost",
      "Start a server with the same --database on another machine.",
    );
  }
  for (const { name, silentMs } of nodes.filter(({ state }) => state === "gone")) {
    yield warning(
      `the node "${name}" is gone since ${Math.round(silentMs / 1_000)} s`,
      "Start it again if it is needed.",
    );
  }
  const versions = new Set([version, ...living.map((node) => node.version)]);
  if (versions.size > 1) {
    yield warning(
      `nodes and this command have different versions of chatd: ${[...versions].toSorted().join(", ")}`,
      "Update all nodes, one after the other.",
    );
  }
}

function checkStandby({ name, isSynchronous, lagBytes }: Standby): Finding {
  const what = `the standby "${name}" is ${isSynchronous ? "synchronous" : "asynchronous"}`;
  if (lagBytes === undefined) return ok(`${what}; its lag is not shown to this user`);
  const lag = `${what}, and ${Math.floor(lagBytes / mebibyte)} MiB behind`;
  return lagBytes < largeLagBytes ? ok(lag) : warning(lag, "Check the standby's disk, and the network to it.");
}

function checkTransaction({ process, application, seconds, isIdle }: LongTransaction): Finding {
  const program = application === "" ? "a program" : `"${application}"`;
  return warning(
    `a transaction of ${program} (process ${process}) is open for ${seconds} s${isIdle ? ", and idle" : ""}`,
    isIdle
      ? `End it: SELECT pg_terminate_backend(${process}). While it is open, removed rows take space and time.`
      : "While it is open, removed rows take space and time. A dump ends by itself.",
  );
}

function checkConnections(free: number): Finding {
  const what = `PostgreSQL accepts ${Math.max(0, free)} more connections`;
  return free >= fewConnections ? ok(what) : warning(what, "Raise max_connections, or end unused connections.");
}

function checkClock(aheadMs: number): Finding {
  if (Math.abs(aheadMs) <= clockToleranceMs) return ok("the clocks of the database and of this machine agree");
  const seconds = (Math.abs(aheadMs) / 1_000).toFixed(1);
  return warning(
    `the clock of the database is ${seconds} s ${aheadMs > 0 ? "ahead of" : "behind"} this machine's`,
    "Keep both synchronized (timedatectl set-ntp true).",
  );
}

function* checkEncryption(
  { isEncrypted }: DatabaseCondition,
  { hosts, sslMode }: DatabaseAddress,
): Generator<Finding, void> {
  if (sslMode === "verify-full" || hosts.every(({ host }) => isLoopback(host) || host.startsWith("/"))) return;
  const what = isEncrypted
    ? "the connection is encrypted, but the certificate of PostgreSQL is not verified"
    : "the connection to PostgreSQL is not encrypted";
  yield warning(what, "Add ?sslmode=verify-full to the URL, and --database-ca-file with your own authority.");
}
