// @ts-types="@types/pg"
import type pg from "pg";
import { ChatError, type ChatErrorCode } from "../../../core/chat_error.ts";
import { type ConnectionOptions, connectToPrimary, endClient } from "./connection.ts";
import { type DatabaseAccess, type DatabaseAddress, showDatabase } from "./database_address.ts";
import { poolerError, queryError } from "./postgres_error.ts";

/** The oldest version of PostgreSQL that chatd supports. */
const oldestVersion = 14;

/** Facts about a database that decide whether chatd can use it. */
export interface EngineFacts {
  /** As in `server_version_num`: 150018. */
  readonly version: number;
  readonly encoding: string;
  /** Whether a connection keeps its session between transactions. */
  readonly hasSessions: boolean;
  /** Whether an advisory lock of one session excludes another session. */
  readonly locksExclude: boolean;
  /** Whether transactions of this user may only read unless they ask for more. */
  readonly isReadOnly: boolean;
  /** The number of standbys that receive the write-ahead log. */
  readonly standbys: number;
  readonly hasSynchronousStandby: boolean;
  /** Names of other databases of the same server, without those that every server has. */
  readonly neighbours: readonly string[];
}

/** How long the checks may take. */
export type CheckPatience = Pick<ConnectionOptions, "connectTimeoutMs" | "statementTimeoutMs" | "answerTimeoutMs">;

/** A reason for caution that does not keep a node from serving. */
export interface EngineWarning {
  readonly problem: string;
  readonly advice: string;
}

/**
 * Checks that chatd can serve from a database.
 * @returns warnings
 * @throws {ChatError} the reason why it cannot, and the remedy; as `connectError` says
 */
export async function checkEngine(
  access: DatabaseAccess,
  patience?: CheckPatience,
): Promise<readonly EngineWarning[]> {
  const facts = await readFacts(access, patience);
  const refusal = refuseEngine(access.address, facts);
  if (refusal !== undefined) throw refusal;
  return warnAbout(facts);
}

/** Reads the facts on two connections of their own, without prepared statements, which poolers may not know. */
export async function readFacts(access: DatabaseAccess, patience: CheckPatience = {}): Promise<EngineFacts> {
  const options = { name: "check", ...patience };
  const { client: one, host } = await connectToPrimary(access, options);
  const there = { ...access, address: { ...access.address, hosts: [host] } };
  const { client: other } = await connectToPrimary(there, options).catch(async (error) => {
    await endClient(one);
    throw error;
  });
  try {
    const version = await value<number>(one, "current_setting('server_version_num')::int");
    return {
      version,
      encoding: await value(one, "current_setting('server_encoding')"),
      hasSessions: await hasSessions(one, other),
      locksExclude: await locksExclude(one, other),
      isReadOnly: await value(one, "current_setting('default_transaction_read_only')::bool"),
      // A backup receives the log, too.
      standbys: await value(
        one,
        "(SELECT count(*)::int FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup')",
      ),
      hasSynchronousStandby: await value(one, "current_setting('synchronous_standby_names') <> ''"),
      neighbours: await value(
        one,
        `ARRAY(SELECT datname::text FROM pg_database
           WHERE NOT datistemplate AND datname NOT IN (current_database(), 'postgres') ORDER BY datname)`,
      ),
    };
  } catch (error) {
    throw queryError(error);
  } finally {
    await Promise.all([endClient(one), endClient(other)]);
  }
}

/** Returns the reason why chatd cannot use a database, with its remedy; undefined if it can. */
export function refuseEngine(
  address: DatabaseAddress,
  { version, encoding, hasSessions, locksExclude, isReadOnly }: EngineFacts,
): ChatError | undefined {
  const refuse = (code: ChatErrorCode, reason: string) =>
    new ChatError(code, `Cannot use the database ${showDatabase(address)}: ${reason}.`);
  if (version < oldestVersion * 10_000) {
    const known = Math.floor(version / 10_000);
    return refuse("unsupported_version", `it is PostgreSQL ${known}; use version ${oldestVersion} or later`);
  }
  if (!hasSessions) return poolerError(address);
  if (!locksExclude) {
    return refuse(
      "invalid_argument",
      "its advisory locks do not exclude, so messages would lose their order; use PostgreSQL itself",
    );
  }
  if (encoding !== "UTF8") {
    return refuse(
      "invalid_argument",
      `its encoding is ${encoding}; create another one with: createdb --encoding UTF8 --template template0 NAME`,
    );
  }
  if (isReadOnly) {
    const [user, database] = [address.user, address.database].map(quoteName);
    // Like a standby, it may be made writable at any time: some services set this while the disk is full.
    return refuse(
      "unavailable",
      "its transactions may only read, because default_transaction_read_only is on. Free space if the disk is full, or " +
        `allow "${address.user}" to write: ALTER ROLE ${user} IN DATABASE ${database} SET default_transaction_read_only = off`,
    );
  }
  return undefined;
}

/** Returns the weaknesses of a database that chatd can use, for its operator. */
export function warnAbout({ standbys, hasSynchronousStandby, neighbours }: EngineFacts): readonly EngineWarning[] {
  const warnings: EngineWarning[] = [];
  if (standbys > 0 && !hasSynchronousStandby) {
    warnings.push({
      problem: "no standby is synchronous, so accepted messages may be lost with the machine of the primary",
      advice: "Set synchronous_standby_names, or accept it.",
    });
  }
  if (neighbours.length > 0) {
    warnings.push({
      problem: `the server has other databases: ${neighbours.slice(0, 5).join(", ")}`,
      advice: "Give chatd a PostgreSQL of its own, so that others' load and notifications do not delay its commits.",
    });
  }
  return warnings;
}

/** Quotes a name for SQL. */
function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

async function value<T>(client: pg.Client, expression: string): Promise<T> {
  return (await client.query(`SELECT ${expression} AS value`)).rows[0].value;
}

/** While one client is in a transaction, a pooler gives the other one another connection than before. */
async function hasSessions(one: pg.Client, other: pg.Client): Promise<boolean> {
  const process = "pg_backend_pid()";
  const before = await value<number>(one, process);
  await other.query("BEGIN");
  const beside = await value<number>(other, process);
  const after = await value<number>(one, process);
  await other.query("ROLLBACK");
  return before === after && before !== beside;
}

async function locksExclude(one: pg.Client, other: pg.Client): Promise<boolean> {
  // A key of this check alone, since several nodes may start at once.
  const key = crypto.getRandomValues(new Int32Array(2)).join(", ");
  const isFirst = await value<boolean>(one, `pg_try_advisory_lock(${key})`);
  const isSecond = await value<boolean>(other, `pg_try_advisory_lock(${key})`);
  if (isSecond) await other.query(`SELECT pg_advisory_unlock(${key})`);
  await one.query(`SELECT pg_advisory_unlock(${key})`);
  return isFirst && !isSecond;
}
