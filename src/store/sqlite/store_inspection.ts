import { DatabaseSync } from "node:sqlite";
import { ChatError } from "../../core/chat_error.ts";
import { lastOwner, tryLockFolder } from "../folder_lock.ts";
import { databasePath, openError } from "./database.ts";
import { migrations } from "./migrations.ts";
import { isDamage } from "./storage_error.ts";

/** How long to wait for another process's lock on the database, in milliseconds. */
const patienceMs = 10_000;

/** Facts about a data folder's database. Times are in milliseconds since the Unix epoch. */
export interface StoreFacts {
  readonly schema: number;
  /** The newest schema that this chatd supports. */
  readonly knownSchema: number;
  /** The last time that a server trusted; undefined if there is none. */
  readonly lastSeenAt: number | undefined;
  /** The time of the newest entry; undefined if there is none. */
  readonly newestEntryAt: number | undefined;
  /** The last recorded backup of this database or, if restored, of its predecessor; undefined if there is none. */
  readonly lastBackupAt: number | undefined;
  /** The findings of SQLite's `quick_check`, if requested; empty if there is no damage. */
  readonly damage: readonly string[] | undefined;
}

/**
 * Reads facts about the database in `folder`, with or without a running server, and changes nothing.
 * @param check checks the whole database for damage
 * @throws {ChatError} `unavailable` if it is damaged or another program's; `permission_denied`, `busy`
 */
export function inspectStore(folder: string, { check }: { check: boolean }): StoreFacts {
  // If no server runs, the lock keeps one from starting meanwhile.
  using _lock = tryLockFolder(folder);
  const path = databasePath(folder);
  try {
    using database = new DatabaseSync(path, { readOnly: true });
    database.exec(`PRAGMA busy_timeout = ${patienceMs}`);
    const one = (sql: string): number => Number(database.prepare(sql).get()?.value ?? 0);
    const has = (table: string) =>
      database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table) !== undefined;
    const seesClock =
      database.prepare("SELECT 1 FROM pragma_table_info('log') WHERE name = 'seen_at'").get() !== undefined;
    const newest = "SELECT accepted_at AS value FROM entry ORDER BY position DESC LIMIT 1";
    const backup = "SELECT max(at) AS value FROM audit WHERE action = 'backup_made'";
    return {
      schema: one("SELECT user_version AS value FROM pragma_user_version"),
      knownSchema: migrations.length,
      lastSeenAt: (seesClock && one("SELECT seen_at AS value FROM log")) || undefined,
      newestEntryAt: (has("entry") && one(newest)) || undefined,
      lastBackupAt: (has("audit") && one(backup)) || undefined,
      damage: check ? quickCheck(database) : undefined,
    };
  } catch (cause) {
    if (!isDamage(cause)) throw openError(path, cause);
    throw new ChatError("unavailable", `The file "${path}" is damaged or not a database.`, { cause });
  }
}

/** Returns the process id of the server that owns the folder, which must exist; undefined if there is none. */
export function servingProcess(folder: string): number | undefined {
  using lock = tryLockFolder(folder);
  return lock === undefined ? lastOwner(folder) : undefined;
}

function quickCheck(database: DatabaseSync): string[] {
  const rows = database.prepare("PRAGMA quick_check(5)").all().map(({ quick_check }) => String(quick_check));
  return rows.filter((row) => row !== "ok");
}
