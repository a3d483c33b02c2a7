import { ChatError } from "../../core/chat_error.ts";
import { pathExists } from "../../host/path_exists.ts";
import { requireDataFolder } from "../../host/permissions.ts";
import { databasePath, writeAheadLogBytes } from "../../store/sqlite/database.ts";
import { largeLogBytes } from "../../store/sqlite/log_growth.ts";
import { inspectStore, servingProcess, type StoreFacts } from "../../store/sqlite/store_inspection.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

export interface FolderCheckOptions {
  readonly dataDir: string;
  /** Read the whole database for damage. */
  readonly checkDatabase: boolean;
}

/** A message may have been accepted while the clock was a little ahead. */
const clockToleranceMs = 60_000;
const staleBackupMs = 7 * 24 * 60 * 60_000;
const mebibyte = 1024 * 1024;
const dayMs = 24 * 60 * 60_000;

/** Whether this process can look into the folder as its server does; then {@link examineDatabase} may too. */
export type Access = "none" | "denied" | "open";

/** @throws {ChatError} `permission_denied` when Deno does not let this process use the folder */
export function accessOf(folder: string): Access {
  requireDataFolder(folder);
  try {
    const { isDirectory, uid } = Deno.statSync(folder);
    return isDirectory && [undefined, uid].includes(ownUid()) ? "open" : "denied";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "none";
    if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotADirectory) return "denied";
    throw error;
  }
}

/** The process of the server that has the folder; undefined where none is seen. */
export function serverOf(folder: string): number | undefined {
  return accessOf(folder) === "open" && pathExists(databasePath(folder)) ? servingProcess(folder) : undefined;
}

/** Whether the folder is there, whose it is, and who has it. */
export function* examineFolder({ dataDir }: FolderCheckOptions): Generator<Finding, void> {
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
  if (!pathExists(databasePath(dataDir))) yield ok("there is no database yet: a server creates it when it starts");
  const server = serverOf(dataDir);
  if (server !== undefined) yield ok(`a server is running on it (process ${server})`);
  else if (pathExists(databasePath(dataDir))) yield warning("no server is running on it", 'Start one: "chatd serve".');
}

/** The database in the folder, where there is one and this process may look into it. */
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
  yield aboutSchema(facts);
  yield aboutBackup(facts);
  if (facts.damage?.length === 0) yield ok("SQLite finds no damage in the database (quick_check)");
  else if (facts.damage !== undefined) {
    yield problem(
      `the database is damaged: ${facts.damage.join("; ")}`,
      'Stop the server, and restore a backup to a new folder: "chatd restore".',
    );
  }
  yield aboutClock(facts);
  const log = writeAheadLogBytes(databasePath(dataDir));
  if (log >= largeLogBytes) {
    yield warning(
      `the write-ahead log has ${Math.floor(log / mebibyte)} MiB: a reader prevents its truncation`,
      "Stop the backup or the other program that has chatd.sqlite open.",
    );
  }
}

function aboutSchema({ schema, knownSchema }: StoreFacts): Finding {
  if (schema === knownSchema) return ok(`the database schema is current (${schema})`);
  if (schema < knownSchema) {
    return ok(`the database has schema ${schema}: the server migrates it to ${knownSchema} when it starts`);
  }
  return problem(
    `the database has schema ${schema}, but this chatd supports schemas up to ${knownSchema}`,
    "Use a newer chatd.",
  );
}

function aboutBackup({ newestEntryAt, lastBackupAt }: StoreFacts): Finding {
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

function aboutClock({ newestEntryAt }: StoreFacts): Finding {
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

/** Undefined where the system has none, or Deno does not tell. */
function ownUid(): number | null | undefined {
  try {
    return Deno.uid() ?? undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}
