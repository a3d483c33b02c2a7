import { DatabaseSync } from "node:sqlite";
import { ChatError } from "../../core/chat_error.ts";
import { lastOwner, tryLockFolder } from "../folder_lock.ts";
import { databasePath } from "./database.ts";
import { migrations } from "./migrations.ts";
import { isDamage } from "./storage_error.ts";

/** How long another process may keep the database from being opened, in milliseconds. */
const patienceMs = 10_000;

/** What can be seen of a data folder's database from outside. Times are in milliseconds since 1970. */
export interface StoreFacts {
  readonly schema: number;
  /** The newest that this chatd knows. */
  readonly knownSchema: number;
  /** When a server last saw a clock that it believed; undefined where none did. */
  readonly lastSeenAt: number | undefined;
  /** What the newest entry was accepted at; undefined where there is none. */
  readonly newestEntryAt: number | undefined;
  /** Of this database or, restored, of the one before; undefined where none is known. */
  readonly lastBackupAt: number | undefined;
  /** What SQLite's `quick_check` says, where it was asked for; empty when all is well. */
  readonly damage: readonly string[] | undefined;
}

/**
 * Reads facts about the database in `folder`, beside a server that runs or without one; changes nothing of it.
 * @param check reads all of it, in one go
 * @throws {ChatError} `unavailable` when it is damaged or another program's
 */
export function inspectStore(folder: string, { check }: { check: boolean }): StoreFacts {
  // Where no server runs, none shall start meanwhile.
  using _lock = tryLockFolder(folder);
  using database = new DatabaseSync(databasePath(folder), { readOnly: true });
  try {
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
    if (!isDamage(cause)) throw cause;
    throw new ChatError("unavailable", `The file "${databasePath(folder)}" is damaged or not a database.`, { cause });
  }
}

/** The process of the server that has the folder now; undefined where none has it. The folder exists. */
export function servingProcess(folder: string): number | undefined {
  using lock = tryLockFolder(folder);
  return lock === undefined ? lastOwner(folder) : undefined;
}

function quickCheck(database: DatabaseSync): string[] {
  const rows = database.prepare("PRAGMA quick_check(5)").all().map(({ quick_check }) => String(quick_check));
  return rows.filter((row) => row !== "ok");
}
