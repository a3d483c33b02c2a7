import { formatHostPort } from "../../host/host_port.ts";
import { isLoopback } from "../../host/loopback.ts";
import { version } from "../../host/version.ts";
import type { DatabaseAddress } from "../../store/postgres/connection/database_address.ts";
import type { ProbedHost } from "../../store/postgres/connection/probe_hosts.ts";
import type {
  DatabaseCondition,
  FreeConnections,
  LongTransaction,
  RiskySetting,
  TableScans,
} from "../../store/postgres/database_condition.ts";
import type { ListedNode } from "../../store/postgres/nodes/node_row.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

export interface DatabaseLimits {
  readonly address: DatabaseAddress;
  /** Limit of the database with its files; undefined for no limit. */
  readonly maxDiskBytes: number | undefined;
}

const mebibyte = 1024 * 1024;
/** Less lag than this is normal under load. */
const largeLagBytes = 64 * mebibyte;
/** A standby that restarts leaves its slot unused for a moment. */
const largeSlotBytes = 256 * mebibyte;
/** A node needs up to ten connections, and a takeover those of two nodes. */
const fewConnections = 20;
const clockToleranceMs = 2_000;
const largeSearchLag = 10_000;

/** Returns the findings about the hosts of a URL. */
export function* checkHosts(hosts: readonly ProbedHost[], { user }: DatabaseAddress): Generator<Finding, void> {
  const primaries = hosts.filter(({ state }) => state === "primary").map(formatHostPort);
  const servers = new Set(hosts.filter(({ state }) => state === "primary").map((host) => host.server ?? host));
  if (hosts.length > 1) {
    for (const each of hosts.filter(({ state }) => state === "standby")) {
      yield ok(`${formatHostPort(each)} is a standby, from which nodes serve once it is promoted`);
    }
  }
  for (const { state, obstacle } of hosts) {
    if (state === "unusable" && primaries.length > 0) {
      yield warning(obstacle!.message, "Nodes use another host. Start this one, or leave it out of the URL.");
    } else if (state === "unusable" || (state === "standby" && hosts.length === 1)) yield problem(obstacle!.message);
  }
  if (servers.size > 1) {
    yield problem(
      `${primaries.join(" and ")} are both primaries, and nodes use the first one that answers`,
      "If one of them was replaced by the other, stop it, or make it a standby of the other.",
    );
  }
  if (primaries.length === 0 && hosts.length > 1) {
    yield problem(
      `none of the hosts is a primary that "${user}" can use, so no node can serve`,
      "Start the primary, or promote a standby.",
    );
  }
}

/** Returns the findings about a database that a node can serve from. */
export function* findings(condition: DatabaseCondition, limits: DatabaseLimits): Generator<Finding, void> {
  const { address } = limits;
  yield checkSize(condition, limits);
  yield* checkNodes(condition.nodes);
  if (!condition.seesOthers) {
    yield warning(
      `the user "${address.user}" may not see standbys, nor transactions of other users, so they are not checked`,
      `Let it read statistics: GRANT pg_read_all_stats TO "${address.user}".`,
    );
  }
  yield* checkReplication(condition);
  for (const setting of condition.riskySettings) yield* checkSetting(setting, { condition, address });
  for (const table of condition.unvacuumed) {
    yield warning(
      `the table "${table}" is not vacuumed automatically, so it grows`,
      `ALTER TABLE "${address.schema}"."${table}" RESET (autovacuum_enabled).`,
    );
  }
  for (const transaction of condition.longTransactions) yield checkTransaction(transaction);
  for (const name of condition.preparedTransactions) {
    yield warning(
      `the prepared transaction "${name}" has been open for more than a minute`,
      `End it: COMMIT PREPARED or ROLLBACK PREPARED. While it is open, removed rows take space and time.`,
    );
  }
  yield checkConnections(condition.connections, address);
  yield checkClock(condition.clockAheadMs);
  yield* checkEncryption(condition, address);
  if (condition.searchLag >= largeSearchLag) {
    yield warning(
      `the search index lacks ${condition.searchLag} or more entries`,
      "Wait until the serving node has indexed them; if the number grows, look at its log.",
    );
  }
  for (const scans of condition.scans) yield checkScans(scans, address);
}

function checkSize({ bytes }: DatabaseCondition, { maxDiskBytes }: DatabaseLimits): Finding {
  const size = `the database has ${Math.ceil(bytes / mebibyte)} MiB`;
  if (maxDiskBytes === undefined) return ok(size);
  const limit = `${size} of ${Math.floor(maxDiskBytes / mebibyte)} MiB (--max-disk)`;
  return bytes < maxDiskBytes
    ? ok(limit)
    : problem(limit, "New messages and files are refused: remove old ones, or raise --max-disk.");
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
      `the node "${name}" has been gone for ${Math.round(silentMs / 1_000)} s`,
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

function* checkReplication({ replication, seesOthers }: DatabaseCondition): Generator<Finding, void> {
  const { standbys, synchronousNames, unusedSlots } = replication;
  for (const { name, isSynchronous, lagBytes } of standbys) {
    const kind = isSynchronous ? "synchronous" : "asynchronous";
    const what = `the standby "${name}" is ${kind}, and ${Math.floor(lagBytes / mebibyte)} MiB behind`;
    yield lagBytes < largeLagBytes ? ok(what) : warning(what, "Check the standby's disk, and the network to it.");
  }
  const [present, needed] = [standbys.filter(({ isSynchronous }) => isSynchronous).length, awaited(synchronousNames)];
  if (seesOthers && present < needed) {
    const few = present === 0
      ? "no synchronous standby streams"
      : `only ${present} of ${needed} synchronous standbys stream`;
    yield problem(
      `${few} (synchronous_standby_names = ${synchronousNames}), so no message is accepted`,
      "Start the standby. If it is gone: ALTER SYSTEM SET synchronous_standby_names = '', and SELECT pg_reload_conf().",
    );
  }
  for (const { name, keptBytes } of unusedSlots.filter(({ keptBytes }) => keptBytes >= largeSlotBytes)) {
    yield warning(
      `the replication slot "${name}" is not used, and keeps ${Math.floor(keptBytes / mebibyte)} MiB of the ` +
        "write-ahead log, which grows until the disk is full",
      `Start its standby. If it is gone: SELECT pg_drop_replication_slot('${name}').`,
    );
  }
}

/** How many standbys a commit waits for: those of "FIRST 2 (a, b, c)", "ANY 2 (a, b, c)" or "2 (a, b, c)", else one. */
function awaited(synchronousNames: string): number {
  if (synchronousNames.trim() === "") return 0;
  return Number(/^\s*(?:(?:FIRST|ANY)\s+)?(\d+)\s*\(/i.exec(synchronousNames)?.[1] ?? 1);
}

function* checkSetting(
  { name, value, scope }: RiskySetting,
  { condition, address }: { condition: DatabaseCondition; address: DatabaseAddress },
): Generator<Finding, void> {
  const what = `PostgreSQL has ${name} = ${value}`;
  const user = `"${address.user}"`;
  const database = `"${address.database}"`;
  const fix = {
    role: `ALTER ROLE ${user} RESET ${name}, and restart the nodes.`,
    "role in database": `ALTER ROLE ${user} IN DATABASE ${database} RESET ${name}, and restart the nodes.`,
    database: `ALTER DATABASE ${database} RESET ${name}, and restart the nodes.`,
    server: `Remove it from postgresql.conf, or ALTER SYSTEM RESET ${name}; then SELECT pg_reload_conf().`,
  }[scope];
  if (name === "full_page_writes") {
    yield warning(`${what}: a crash can damage the database, unless its file system writes whole pages, as ZFS`, fix);
  } else if (name === "autovacuum" || name === "track_counts") {
    yield warning(`${what}: tables grow, and plans get slow`, fix);
  } else if (value !== "local") yield problem(`${what}: a crash can lose accepted messages`, fix);
  else if (condition.replication.synchronousNames !== "") {
    yield problem(`${what}: accepted messages do not wait for the synchronous standby`, fix);
  }
}

function checkTransaction({ process, application, seconds, isIdle }: LongTransaction): Finding {
  const program = application === "" ? "a program" : `"${application}"`;
  return warning(
    `a transaction of ${program} (process ${process}) has been open for ${seconds} s${isIdle ? ", and idle" : ""}`,
    isIdle
      ? `End it: SELECT pg_terminate_backend(${process}). While it is open, removed rows take space and time.`
      : "While it is open, removed rows take space and time. A dump ends by itself.",
  );
}

function checkConnections({ count, limitedBy }: FreeConnections, { user, database }: DatabaseAddress): Finding {
  const what = `PostgreSQL accepts ${count} more connections`;
  if (count >= fewConnections) return ok(what);
  const raise = {
    server: "Raise max_connections, or end unused connections.",
    role: `Raise the limit of the user: ALTER ROLE "${user}" CONNECTION LIMIT 40.`,
    database: `Raise the limit of the database: ALTER DATABASE "${database}" CONNECTION LIMIT 40.`,
  }[limitedBy];
  return warning(`${what}, and two nodes need ${fewConnections} during a takeover`, raise);
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
  if (sslMode === "verify-full" || hosts.every(({ host }) => isLoopback(host))) return;
  const what = isEncrypted
    ? "the connection is encrypted, but the certificate of PostgreSQL is not verified"
    : "the connection to PostgreSQL is not encrypted";
  yield warning(what, "Add ?sslmode=verify-full to the URL, and --database-ca-file with your own authority.");
}

function checkScans({ table, count, since }: TableScans, { schema }: DatabaseAddress): Finding {
  const period = since === undefined ? "" : ` since ${since.toISOString()}`;
  return warning(
    `the large table "${table}" was read as a whole ${count} times${period}`,
    `Dumps do so, too. If the number grows between them, update the statistics: ANALYZE "${schema}"."${table}".`,
  );
}
