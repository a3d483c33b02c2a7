import { Connection } from "./connection/connection.ts";
import type { DatabaseAccess } from "./connection/database_address.ts";
import { type ListedNode, listNodes } from "./nodes/node_row.ts";

/** Facts about a database in use that its operator may want to change. */
export interface DatabaseCondition {
  readonly nodes: readonly ListedNode[];
  /** The size of the whole database, in bytes. */
  readonly bytes: number;
  /** Standbys that receive the write-ahead log. */
  readonly standbys: readonly Standby[];
  /** Settings of PostgreSQL that can lose or damage data, or slow it down, and are set so. */
  readonly riskySettings: readonly string[];
  /** Transactions that have been open for more than a minute, the oldest first. */
  readonly longTransactions: readonly LongTransaction[];
  /** How many more connections the server accepts from users without privileges. */
  readonly freeConnections: number;
  /** How far the database's clock is ahead of this machine's, in milliseconds. */
  readonly clockAheadMs: number;
  readonly isEncrypted: boolean;
  /** Entries that are not in the search index yet. */
  readonly searchLag: number;
}

export interface Standby {
  readonly name: string;
  readonly isSynchronous: boolean;
  /** Bytes that it has not written to its disk yet; undefined if this user may not see it. */
  readonly lagBytes: number | undefined;
}

export interface LongTransaction {
  readonly process: number;
  /** Of its program, which may be empty. */
  readonly application: string;
  readonly seconds: number;
  /** Whether it waits for its program, and not for the database. */
  readonly isIdle: boolean;
}

/** Settings and the value that is a risk. */
const risks = [
  ["fsync", "off"],
  ["full_page_writes", "off"],
  ["synchronous_commit", "off"],
  ["autovacuum", "off"],
] as const;

/** Reads the condition of a database with chatd's tables. It changes nothing. @throws {ChatError} */
export async function readCondition(access: DatabaseAccess): Promise<DatabaseCondition> {
  await using connection = await Connection.open(access, { name: "check" });
  const one = async <Value>(expression: string): Promise<Value> => {
    const [{ value }] = await connection.query<{ value: Value }>(`SELECT ${expression} AS value`);
    return value;
  };
  const settings = await connection.query<{ name: string; setting: string }>(
    "SELECT name, setting FROM pg_settings WHERE name = ANY($1)",
    [risks.map(([name]) => name)],
  );
  const isRisk = ({ name, setting }: { name: string; setting: string }) =>
    risks.some(([risk, value]) => risk === name && value === setting);
  const before = Date.now();
  const databaseTime = await one<number>("(extract(epoch FROM clock_timestamp()) * 1000)::bigint");
  const ownTime = (before + Date.now()) / 2;
  return {
    nodes: await listNodes(connection),
    bytes: await one("pg_database_size(current_database())"),
    standbys: await readStandbys(connection),
    riskySettings: settings.filter(isRisk).map(({ name, setting }) => `${name} = ${setting}`),
    longTransactions: await connection.query<LongTransaction>(
      `SELECT pid AS process, application_name AS application, state LIKE 'idle in transaction%' AS "isIdle",
         extract(epoch FROM clock_timestamp() - xact_start)::int AS seconds
       FROM pg_stat_activity
       WHERE backend_type = 'client backend' AND xact_start < clock_timestamp() - interval '1 minute'
       ORDER BY xact_start LIMIT 5`,
    ),
    freeConnections: await one(
      `current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
         - (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend')`,
    ),
    clockAheadMs: Math.round(databaseTime - ownTime),
    isEncrypted: await one("(SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())"),
    searchLag: await one(
      `(SELECT count(*)::int FROM (
          SELECT FROM entry WHERE position > (SELECT position FROM search_cursor) LIMIT 100000) AS unread)`,
    ),
  };
}

async function readStandbys(connection: Connection): Promise<Standby[]> {
  const rows = await connection.query<{ name: string; isSynchronous: boolean | null; lag: number | null }>(
    `SELECT application_name AS name, sync_state IN ('sync', 'quorum') AS "isSynchronous",
       pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn)::bigint AS lag
     FROM pg_stat_replication ORDER BY 1`,
  );
  return rows.map(({ lag, isSynchronous, ...standby }) => ({
    ...standby,
    isSynchronous: isSynchronous ?? false,
    lagBytes: lag ?? undefined,
  }));
}
