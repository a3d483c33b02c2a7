import { DatabaseSync } from "node:sqlite";
import { ChatError } from "../../../core/chat_error.ts";
import { lockFolder } from "../../folder_lock.ts";
import { Database, databasePath, requireDatabase } from "../../sqlite/database.ts";
import { Connection, type Queries } from "../connection/connection.ts";
import { type DatabaseAccess, showDatabase } from "../connection/database_address.ts";
import { findLeaseHolder } from "../connection/lease.ts";
import { lockKey } from "../schema/fence.ts";
import { requireVersion } from "../schema/schema_version.ts";
import { copiedTables } from "./copied_tables.ts";
import { importContents } from "./import_contents.ts";
import { importRows } from "./import_rows.ts";
import { digestTable } from "./row_digest.ts";

export interface ImportOptions {
  /** The data folder, which no server uses. */
  readonly folder: string;
  readonly access: DatabaseAccess;
}

export interface ImportReport {
  /** The number of rows copied, by table; each table was read back, and its hash is that of the folder. */
  readonly rows: ReadonlyMap<string, number>;
  /** Contents of files copied. */
  readonly contents: number;
  /** Hashes of contents that the folder lacks, or has damaged. */
  readonly missing: readonly string[];
}

/**
 * Copies a data folder into a database with empty tables, in one transaction: positions, ids, logins and incarnations
 * stay, so clients go on where they were. The folder is brought to the schema of this program and stays otherwise as it
 * is. Received parts of unfinished uploads are not copied; their clients send them again.
 * @throws {ChatError} `not_found`, `busy` while a server uses either of them, `already_exists` if the database holds
 * accounts or messages, `internal` if the copy differs
 */
export async function importFolder({ folder, access }: ImportOptions): Promise<ImportReport> {
  requireDatabase(folder);
  using _lock = lockFolder(folder);
  // Brings the schema up to date, and writes the heads of conversations.
  Database.open(folder).close();
  using source = new DatabaseSync(databasePath(folder), { readOnly: true });
  await using target = await Connection.open(access, { name: "import", statementTimeoutMs: 0 });
  await requireVersion(target, access.address);
  await target.execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0");
  await claimEmptyTables(target, access);
  const rows = new Map<string, number>();
  for (const table of copiedTables) rows.set(table, await importRows(table, { source, target }));
  await importLog(source, target);
  const { contents, missing } = await importContents(target, `${folder}/files`);
  for (const table of copiedTables) {
    const digests = await digestTable(table, { source, target });
    if (digests.source.sha256 !== digests.target.sha256) throw differs(table, digests);
  }
  await target.execute("COMMIT; ANALYZE");
  return { rows, contents, missing };
}

/** Lets this transaction write as the last holder of the lease did, and keeps nodes from taking it until it ends. */
async function claimEmptyTables(target: Queries, { address }: DatabaseAccess): Promise<void> {
  await target.query(`SELECT pg_advisory_xact_lock_shared(${lockKey("fence")})`);
  const holder = await findLeaseHolder(target);
  if (holder.isHeld) {
    throw new ChatError(
      "busy",
      `Cannot import into ${showDatabase(address)}: node "${holder.node}" serves it. Stop it first.`,
    );
  }
  const [{ isUsed }] = await target.query<{ isUsed: boolean }>(
    'SELECT EXISTS (SELECT FROM "user") OR EXISTS (SELECT FROM conversation) AS "isUsed"',
  );
  if (isUsed) {
    throw new ChatError(
      "already_exists",
      `Cannot import into ${
        showDatabase(address)
      }: it has accounts or messages already. Name another schema with ?schema=NAME.`,
    );
  }
  await target.query("SELECT set_config('chatd.generation', generation::text, true) FROM lease");
}

/** Copies the epoch and the time of the log, which is complete up to its newest position. */
async function importLog(source: DatabaseSync, target: Queries): Promise<void> {
  const { epoch, seen } = source.prepare("SELECT epoch, seen_at AS seen FROM log").get() as {
    epoch: string;
    seen: number | null;
  };
  await target.query(
    `UPDATE log SET epoch = $1, seen_at = $2, kept_position = head, heads_through = head FROM (
       SELECT greatest((SELECT max(position) FROM entry), (SELECT max(kept_position) FROM conversation), 0) AS head
     ) newest`,
    [epoch, seen],
  );
}

function differs(table: string, { source, target }: { source: { rows: number }; target: { rows: number } }): ChatError {
  return new ChatError(
    "internal",
    `The copied table "${table}" differs from the folder's (${source.rows} rows there, ${target.rows} here), so nothing was imported.`,
  );
}
