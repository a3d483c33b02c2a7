import { ChatError } from "../../core/chat_error.ts";

// https://sqlite.org/rescode.html
const sqliteBusy = 5;
const sqliteReadOnly = 8;
const sqliteIoError = 10;
const sqliteCorrupt = 11;
const sqliteFull = 13;
const sqliteCannotOpen = 14;
const sqliteConstraint = 19;
const sqliteNotADatabase = 26;

/** Returns SQLite's primary result code; undefined for an error of another origin. */
export function resultCode(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error)) return undefined;
  if ("errcode" in thrown && typeof thrown.errcode === "number") return thrown.errcode & 0xff;
  // Deno's DatabaseSync.exec leaves out the code.
  if (thrown.message.includes("database is locked")) return sqliteBusy;
  if (thrown.message.includes("attempt to write a readonly database")) return sqliteReadOnly;
  if (thrown.message.includes("unable to open database file")) return sqliteCannotOpen;
  if (thrown.message.includes("database or disk is full")) return sqliteFull;
  if (thrown.message.includes("disk I/O error")) return sqliteIoError;
  if (thrown.message.includes("file is not a database")) return sqliteNotADatabase;
  if (thrown.message.includes("database disk image is malformed")) return sqliteCorrupt;
  return undefined;
}

/** Whether the disk failed, in which case repeating a part of the work is useless. */
export function isDiskFailure(thrown: unknown): boolean {
  const code = resultCode(thrown);
  return code === sqliteFull || code === sqliteIoError;
}

/** Whether a row breaks a rule of its table, such as a unique key. */
export function isConstraint(thrown: unknown): boolean {
  return resultCode(thrown) === sqliteConstraint;
}

/** Whether another program has locked the database. */
export function isBusy(thrown: unknown): boolean {
  return resultCode(thrown) === sqliteBusy;
}

export function isDamage(thrown: unknown): boolean {
  const code = resultCode(thrown);
  return code === sqliteCorrupt || code === sqliteNotADatabase;
}

/** Whether the file may not be opened or written. */
export function isRefused(thrown: unknown): boolean {
  const code = resultCode(thrown);
  return code === sqliteReadOnly || code === sqliteCannotOpen;
}

/**
 * Maps an error that SQLite threw while writing: `storage_full` for a full or failing disk, `busy` while another program
 * locks the database.
 */
export function writeError(thrown: unknown): unknown {
  if (isBusy(thrown)) {
    return new ChatError(
      "busy",
      "Nothing was saved, because another program has locked the server's database: try again later, or tell the operator.",
      { cause: thrown, retryAfterMs: 1_000 },
    );
  }
  if (!isDiskFailure(thrown)) return thrown;
  // A full disk can also cause an I/O error, for example if the shared memory of the write-ahead log cannot grow.
  return new ChatError(
    "storage_full",
    "Nothing was saved, because the server's disk is full or failing: try again later, or ask the operator to free space.",
    { cause: thrown },
  );
}
