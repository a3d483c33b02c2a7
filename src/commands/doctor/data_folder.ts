import type { DatabaseOptions } from "../../app/database/database_access.ts";
import { ChatError } from "../../core/chat_error.ts";
import { knownPathReason } from "../../core/system_error.ts";
import { pathExists } from "../../host/path_exists.ts";
import { requireDataFolder } from "../../host/permissions.ts";
import { refuseDatabaseFolder, requireWritable } from "../../store/data_folder.ts";
import { wasLocked } from "../../store/folder_lock.ts";
import { databasePath, writeAheadLogBytes } from "../../store/sqlite/database.ts";
import { largeLogBytes } from "../../store/sqlite/log_growth.ts";
import { inspectStore, servingProcess, type StoreFacts } from "../../store/sqlite/store_inspection.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

export interface FolderCheckOptions {
  readonly dataDir: string;
  /** Keeps the data instead of the folder. */
  readonly database?: DatabaseOptions;
  /** Checks the whole database for damage. */
  readonly checkDatabase: boolean;
}

/** How far the newest message may be ahead of the clock without a finding. */
const clockToleranceMs = 60_000;
const staleBackupMs = 7 * 24 * 60 * 60_000;
const mebibyte = 1024 * 1024;
const dayMs = 24 * 60 * 60_000;

/** Whether the folder exists and this process may open it. */
export type Access = "none" | "denied" | "open";

/** @throws {ChatError} `permission_denied` if Deno denies access to the folder */
export function accessOf(folder: string): Access {
  requireDataFolder(folder);
  try {
    const { isDirectory, uid } = Deno.statSync(folder);
    return isDirectory && [undefined, uid].includes(ownUid()) ? "open" : "denied";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "none";
    if (knownPathReason(error) !== undefined) return "denied";
    throw error;
  }
}

/** Returns the process id of the server that owns the folder; undefined if none is found. */
export function serverOf(folder: string): number | undefined {
  return accessOf(folder) === "open" && wasLocked(folder) ? servingProcess(folder) : undefined;
}

/** Checks the folder's existence, permissions and server. */
export function* examineFolder({ dataDir, database }: FolderCheckOptions): Generator<Finding, void> {
  const access = accessOf(dataDir);
  if (access === "none") {
    yield ok(`"${dataDir}" does not exist yet: the first server creates it`);
    return;
  }
  if (access === "denied") {
    yield problem(
      `"${dataDir}" is not a folder of the current user`,
      "Run doctor as the user of the server (sudo -u chatd chatd doctor …), or change the owner of the folder.",
    );
    return;
  }
  const { mode } = Deno.statSync(dataDir);
  if (mode !== null && Deno.build.os !== "windows" && (mode & 0o077) !== 0) {
    const octal = (mode & 0o777).toString(8);
    yield warning(`other users of this machine can open "${dataDir}" (mode ${octal})`, `chmod 700 ${dataDir}`);
  } else {
    yield ok(`"${dataDir}" exists, and only its owner can open it`);
  }
  try {
    requireWritable(dataDir);
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    yield problem(error.message, "Run doctor as the user of the server, or mount the file system read-write.");
    return;
  }
  if (database === undefined) {
    try {
      refuseDatabaseFolder(dataDir);
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      yield problem(error.message);
      return;
    }
  }
  const isNew = database === undefined ? !pathExists(databasePath(dataDir)) : !wasLocked(dataDir);
  if (isNew && database === undefined) yield ok("there is no database yet: a server creates it when it starts");
  const server = serverOf(dataDir);
  if (server !== undefined) yield ok(`a server is running on it (process ${server})`);
  else if (!isNew) yield warning("no server is running on it", 'Start one: "chatd serve".');
}

/** Checks the folder's database, if it exists and this process may open it. */
export function* examineDatabase({ dataDir, checkDatabase }: FolderCheckOptions): Generator<Finding, void> {
  if (accessOf(dataDir) !== "open" || !pathExists(databasePath(dataDir))) return;
  let facts: StoreFacts;
  try {
    facts = inspectStore(dataDir, { check: checkDatabase });
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    yield problem(error.message, 'Stop the server, and restore a backup to a new folder: "chatd restore".');
    return;
  }
  yield checkSchema(facts);
  yield checkBackup(facts);
  if (facts.damage?.length === 0) yield ok("SQLite finds no damage in the database (quick_check)");
  else if (facts.damage !== undefined) {
    yield problem(
      `the database is damaged: ${facts.damage.join("; ")}`,
      'Stop the server, and restore a backup to a new folder: "chatd restore".',
    );
  }
  yield checkClock(facts);
  const log = writeAheadLogBytes(databasePath(dataDir));
  if (log >= largeLogBytes) {
    yield warning(
      `the write-ahead log has ${Math.floor(log / mebibyte)} MiB: a reader prevents its truncation`,
      "Stop the backup or the other program that has chatd.sqlite open.",
    );
  }
}

function checkSchema({ schema, knownSchema }: StoreFacts): Finding {
  if (schema === knownSchema) return ok(`the database schema is current (${schema})`);
  if (schema < knownSchema) {
    return ok(`the database has schema ${schema}: the server migrates it to ${knownSchema} when it starts`);
  }
  return problem(
    `the database has schema ${schema}, but this chatd supports schemas up to ${knownSchema}`,
    "Use a newer chatd.",
  );
}

function checkBackup({ newestEntryAt, lastBackupAt }: StoreFacts): Finding {
  const make = 'Schedule a daily backup: "chatd backup DIR".';
  if (lastBackupAt === undefined) {
    return newestEntryAt === undefined
      ? ok("there is nothing to back up yet")
      : warning("no backup is recorded (a server records backups that are made while it runs)", make);
  }
  const days = Math.floor((Date.now() - lastBackupAt) / dayMs);
  const when = `the last recorded backup was made at ${new Date(lastBackupAt).toISOString()}`;
  return Date.now() - lastBackupAt > staleBackupMs ? warning(`${when}, ${days} days ago`, make) : ok(when);
}

function checkClock({ newestEntryAt }: StoreFacts): Finding {
  const ahead = (newestEntryAt ?? 0) - Date.now();
  if (ahead <= clockToleranceMs) {
    return ok(`the clock says ${new Date().toISOString()}, later than all stored messages`);
  }
  return problem(
    `the clock says ${new Date().toISOString()}, but the newest message is from ${
      new Date(newestEntryAt!).toISOString()
    }`,
    "Set the clock, and keep it synchronized (timedatectl set-ntp true).",
  );
}

/** Returns undefined if the system has no user ids or Deno does not reveal it. */
function ownUid(): number | null | undefined {
  try {
    return Deno.uid() ?? undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}
