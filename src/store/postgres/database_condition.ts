import type { CheckPatience } from "./connection/engine_check.ts";
import { Connection } from "./connection/connection.ts";
import type { DatabaseAccess } from "./connection/database_address.ts";
import { type ListedNode, listNodes } from "./nodes/node_row.ts";

/** Facts about a database in use that its operator may want to change. */
export interface DatabaseCondition {
  readonly nodes: readonly ListedNode[];
  /** Whether this user sees the standbys and the transactions of other users. */
  readonly seesOthers: boolean;
  /** The size of the whole database, in bytes. */
  readonly bytes: number;
  readonly replication: Replication;
  /** Settings of PostgreSQL that can lose or damage data, or slow it down, and are set so. */
  readonly riskySettings: readonly RiskySetting[];
  /** Tables of chatd that are never vacuumed, by a setting of their own. */
  readonly unvacuumed: readonly string[];
  /** Transactions that have been open for long, the oldest first. */
  readonly longTransactions: readonly LongTransaction[];
  /** Names of transactions that were prepared long ago, and not ended. */
  readonly preparedTransactions: readonly string[];
  readonly connections: FreeConnections;
  /** How far the database's clock is ahead of this machine's, in milliseconds. */
  readonly clockAheadMs: number;
  readonly isEncrypted: boolean;
  /** Entries, and changed messages, that are not in the search index yet; at most 100,000 of each are counted. */
  readonly searchLag: number;
  /** Large tables that were often read as a whole. */
  readonly scans: readonly TableScans[];
}

export interface Replication {
  /** Standbys that receive the write-ahead log, as far as this user may see them. */
  readonly standbys: readonly Standby[];
  /** The value of `synchronous_standby_names`. */
  readonly synchronousNames: string;
  /** Replication slots that no standby uses, with the bytes of the write-ahead log that each keeps on the disk. */
  readonly unusedSlots: readonly { readonly name: string; readonly keptBytes: number }[];
}

export interface Standby {
  readonly name: string;
  readonly isSynchronous: boolean;
  /** Bytes that it has not written to its disk yet. */
  readonly lagBytes: number;
}

export interface RiskySetting {
  readonly name: string;
  readonly value: string;
  /** Where it is set: for the user, also in this database alone, for the database, or for the whole server. */
  readonly scope: "role" | "role in database" | "database" | "server";
}

export interface LongTransaction {
  readonly process: number;
  /** Of its program, which may be empty. */
  readonly application: string;
  readonly seconds: number;
  /** Whether it waits for its program, and not for the database. */
  readonly isIdle: boolean;
}

/** How many more connections this user can open. */
export interface FreeConnections {
  readonly count: number;
  /** The tightest limit: that of the server, of the user, or of the database. */
  readonly limitedBy: "server" | "role" | "database";
}

export interface TableScans {
  readonly table: string;
  readonly count: number;
  /** When PostgreSQL began to count; undefined if it has always counted. */
  readonly since: Date | undefined;
}

export interface ReadConditionOptions {
  readonly patience?: CheckPatience;
  /** From when on a transaction is long, in milliseconds; a minute unless given. */
  readonly longMs?: number;
}

/** Settings, and the values that are a risk. */
const risks: readonly (readonly [name: string, value: string])[] = [
  ["fsync", "off"],
  ["full_page_writes", "off"],
  ["synchronous_commit", "off"],
  ["synchronous_commit", "local"],
  ["autovacuum", "off"],
  ["track_counts", "off"],
];

const manyScans = 100;
const largeTable = 100_000;

/** Reads the condition of a database with chatd's tables. It changes nothing. @throws {ChatError} */
export async function readCondition(
  access: DatabaseAccess,
  { patience, longMs = 60_000 }: ReadConditionOptions = {},
): Promise<DatabaseCondition> {
  await using connection = await Connection.open(access, { name: "check", ...patience });
  const one = async <Value>(expression: string): Promise<Value> => {
    const [{ value }] = await connection.query<{ value: Value }>(`SELECT ${expression} AS value`);
    return value;
  };
  const before = Date.now();
  const databaseTime = await one<number>("(extract(epoch FROM clock_timestamp()) * 1000)::bigint");
  const ownTime = (before + Date.now()) / 2;
  return {
    nodes: await listNodes(connection),
    seesOthers: await one("pg_has_role('pg_read_all_stats', 'USAGE')"),
    bytes: await one("pg_database_size(current_database())"),
    replication: await readReplication(connection),
    riskySettings: await connection.query<RiskySetting>(
      `SELECT name, setting AS value,
         CASE source WHEN 'user' THEN 'role' WHEN 'database user' THEN 'role in database' WHEN 'database' THEN 'database'
           ELSE 'server' END AS scope
       FROM pg_settings
       WHERE (name, setting) IN (SELECT * FROM unnest($1::text[], $2::text[])) ORDER BY name`,
      [risks.map(([name]) => name), risks.map(([, value]) => value)],
    ),
    unvacuumed: await one(
      `ARRAY(SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace
         AND EXISTS (SELECT FROM pg_options_to_table(reloptions)
           WHERE option_name = 'autovacuum_enabled' AND NOT option_value::boolean)
         ORDER BY relname)`,
    ),
    // An old snapshot of another database does not keep the rows of this one.
    longTransactions: await connection.query<LongTransaction>(
      `SELECT pid AS process, application_name AS application, state LIKE 'idle in transaction%' AS "isIdle",
         extract(epoch FROM clock_timestamp() - xact_start)::int AS seconds
       FROM pg_stat_activity
       WHERE backend_type = 'client backend' AND datname = current_database()
         AND xact_start < clock_timestamp() - $1 * interval '1 millisecond' AND pid <> pg_backend_pid()
       ORDER BY xact_start LIMIT 5`,
      [longMs],
    ),
    preparedTransactions: await one(
      `ARRAY(SELECT gid FROM pg_prepared_xacts WHERE database = current_database()
         AND prepared < clock_timestamp() - ${longMs} * interval '1 millisecond' ORDER BY prepared LIMIT 5)`,
    ),
    connections: await readConnections(connection),
    clockAheadMs: Math.round(databaseTime - ownTime),
    isEncrypted: await one("(SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())"),
    searchLag: await one(
      `((SELECT count(*) FROM (
           SELECT FROM entry WHERE position > (SELECT position FROM search_cursor) LIMIT 100000) AS unread)
        + (SELECT count(*) FROM (SELECT FROM search_again LIMIT 100000) AS changed))::int`,
    ),
    scans: await readScans(connection),
  };
}

async function readReplication(connection: Connection): Promise<Replication> {
  const standbys = await connection.query<Standby>(
    `SELECT application_name AS name, sync_state IN ('sync', 'quorum') AS "isSynchronous",
       pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn)::bigint AS "lagBytes"
     FROM pg_stat_replication WHERE state <> 'backup' AND flush_lsn IS NOT NULL ORDER BY 1`,
  );
  const [{ synchronousNames }] = await connection.query<{ synchronousNames: string }>(
    `SELECT current_setting('synchronous_standby_names') AS "synchronousNames"`,
  );
  const unusedSlots = await connection.query<{ name: string; keptBytes: number }>(
    `SELECT slot_name AS name, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS "keptBytes"
     FROM pg_replication_slots WHERE NOT active AND restart_lsn IS NOT NULL ORDER BY 1`,
  );
  return { standbys, synchronousNames, unusedSlots };
}

/**
 * `pg_stat_activity` tells every user whose each connection is, but its kind only for the user's own. Of other processes,
 * those without a user are no connections.
 */
async function readConnections(connection: Connection): Promise<FreeConnections> {
  const [tightest] = await connection.query<FreeConnections>(
    `WITH used AS (SELECT usesysid, datid FROM pg_stat_activity WHERE usesysid IS NOT NULL AND datid IS NOT NULL
       AND coalesce(backend_type, 'client backend') = 'client backend')
     SELECT "limitedBy", count FROM (VALUES
       ('server', current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
         - coalesce(current_setting('reserved_connections', true), '0')::int - (SELECT count(*)::int FROM used)),
       ('role', (SELECT NULLIF(rolconnlimit, -1) - (SELECT count(*)::int FROM used WHERE usesysid = r.oid)
         FROM pg_roles r WHERE rolname = current_user AND NOT rolsuper)),
       ('database', (SELECT NULLIF(datconnlimit, -1) - (SELECT count(*)::int FROM used WHERE datid = d.oid)
         FROM pg_database d WHERE datname = current_database()))
     ) AS limits ("limitedBy", count) WHERE count IS NOT NULL ORDER BY count LIMIT 1`,
  );
  return { ...tightest, count: Math.max(0, tightest.count) };
}

async function readScans(connection: Connection): Promise<TableScans[]> {
  const rows = await connection.query<{ table: string; count: number; since: Date | null }>(
    `SELECT relname AS "table", seq_scan AS count,
       (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()) AS since
     FROM pg_stat_user_tables
     WHERE schemaname = current_schema() AND n_live_tup >= $1 AND seq_scan >= $2 ORDER BY seq_scan DESC`,
    [largeTable, manyScans],
  );
  return rows.map(({ since, ...scans }) => ({ ...scans, since: since ?? undefined }));
}
