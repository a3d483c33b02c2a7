import { type DatabaseOptions, readAccess } from "../../app/database/database_access.ts";
import { ChatError } from "../../core/chat_error.ts";
import { checkHosts, findings } from "./database_findings.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

export interface PostgresCheckOptions {
  readonly database: DatabaseOptions;
  /** Limit of the database with its files; undefined for no limit. */
  readonly maxDiskBytes: number | undefined;
}

/** Short enough for an answer within ten seconds, though the database never answers. */
const probePatience = { connectTimeoutMs: 4_000, answerTimeoutMs: 3_000 };
const patience = { connectTimeoutMs: 2_000, statementTimeoutMs: 3_000, answerTimeoutMs: 4_000 };

/** Checks that a node can serve from a database, and the condition of the database. Changes nothing. */
export async function* examinePostgres(
  { database, maxDiskBytes }: PostgresCheckOptions,
): AsyncGenerator<Finding, void> {
  const { inspectDatabase } = await import("../../store/postgres/inspect_database.ts");
  const { probeHosts } = await import("../../store/postgres/connection/probe_hosts.ts");
  const { readCondition } = await import("../../store/postgres/database_condition.ts");
  try {
    const access = await readAccess(database);
    const { address } = access;
    const hosts = await probeHosts(access, probePatience);
    yield* checkHosts(hosts, address);
    const primary = hosts.find(({ state }) => state === "primary");
    if (primary === undefined) return;
    const there = { ...access, address: { ...address, hosts: [primary] } };
    const { where, server, version, warnings } = await inspectDatabase(there, patience);
    yield ok(`${where}: PostgreSQL ${server}, tables of version ${version}`);
    for (const { problem, advice } of warnings) yield warning(problem, advice);
    yield* findings(await readCondition(there, { patience }), { address, maxDiskBytes });
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    yield error.code === "busy"
      ? problem("PostgreSQL answers too slowly to be checked", "Look at the load and the disk of its machine.")
      : problem(error.message);
  }
}
