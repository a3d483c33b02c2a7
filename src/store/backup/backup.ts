import { backup as copyDatabase, DatabaseSync } from "node:sqlite";
import { ChatError } from "../../core/chat_error.ts";
import { knownPathReason } from "../../core/system_error.ts";
import { copyFile, digestFile, syncFolder, takeEmptyFolder, writeFileWhole } from "../files/durable_files.ts";
import { Pace } from "../files/pace.ts";
import { tryLockFolder } from "../folder_lock.ts";
import { databasePath, openError, requireDatabase } from "../sqlite/database.ts";
import { isDiskFailure } from "../sqlite/storage_error.ts";
import {
  type BackedUpFile,
  backupFormat,
  type BackupManifest,
  databaseName,
  manifestName,
  selectHead,
} from "./backup_manifest.ts";

/**
 * How long to wait for another process's lock on the database, in milliseconds; a server takes it when it recovers from
 * a crash.
 */
const patienceMs = 10_000;
/** Pages to copy per step: 4 MiB. */
const pagesPerStep = 1024;

export interface BackupOptions {
  /** The data folder, with or without a running server. */
  readonly folder: string;
  /** The folder to create; an empty one may exist. */
  readonly to: string;
  /** The version of this chatd. */
  readonly chatd: string;
}

/**
 * Backs up a data folder from a snapshot of the database, over a separate connection. A running server keeps writing,
 * and everything that it accepted before the call is in the backup. After a failure, the target folder is empty.
 * @throws {ChatError} `not_found`, `already_exists`, `permission_denied`
 *
 * @example
 * ```ts
 * const { head, files } = await makeBackup({ folder: "./data", to: "/backup/2026-11-29", chatd: "0.1.0" });
 * ```
 */
export async function makeBackup({ folder, to, chatd }: BackupOptions): Promise<BackupManifest> {
  requireDatabase(folder);
  createTarget(to);
  try {
    const created = new Date().toISOString();
    const copy = `${to}/${databaseName}`;
    Deno.openSync(copy, { createNew: true, write: true, mode: 0o600 }).close();
    const pace = new Pace();
    await copySnapshot(folder, { to: copy, pace });
    const about = readCopiedLog(copy);
    // The database is copied first: the files that it names existed before, and never change.
    const { files, absent } = copyBlobs(folder, { to, wanted: about.blobs, pace });
    const missing = absent.length === 0 ? absent : filterHeld(folder, absent);
    const { schema, epoch, head } = about;
    const manifest: BackupManifest = {
      format: backupFormat,
      chatd,
      schema,
      epoch,
      head,
      created,
      files: [{ path: databaseName, ...digestFile(copy, pace) }, ...files],
      missing,
    };
    writeFileWhole(`${to}/${manifestName}`, `${JSON.stringify(manifest, undefined, 1)}\n`);
    syncFolder(to);
    return manifest;
  } catch (error) {
    removeContents(to);
    throw backupError(error, { folder, to });
  }
}

function backupError(cause: unknown, { folder, to }: { folder: string; to: string }): unknown {
  if (cause instanceof ChatError) return cause;
  const reason = isDiskFailure(cause) ? "the disk is full or failing" : knownPathReason(cause);
  if (reason === undefined) return openError(databasePath(folder), cause);
  return new ChatError("invalid_argument", `Cannot back up "${folder}" to "${to}": ${reason}.`, { cause });
}

function createTarget(to: string): void {
  if (takeEmptyFolder(to)) return;
  throw new ChatError(
    "already_exists",
    `Cannot write the backup to "${to}", which is not empty: choose another folder.`,
  );
}

async function copySnapshot(folder: string, { to, pace }: { to: string; pace: Pace }): Promise<void> {
  using source = openSource(folder);
  // One transaction around all steps keeps the copy from restarting when the server writes.
  source.exec("BEGIN");
  source.prepare("SELECT count(*) FROM sqlite_schema").get();
  using target = Deno.openSync(to, { read: true });
  // Syncs after each step, because one large sync at the end would delay the server's commits.
  const progress = () => {
    target.syncDataSync();
    pace.rest();
  };
  await copyDatabase(source, to, { rate: pagesPerStep, progress });
  source.exec("COMMIT");
}

function openSource(folder: string): DatabaseSync {
  // If no server runs, the lock keeps one from starting while SQLite recovers from a crash.
  using _lock = tryLockFolder(folder);
  const source = new DatabaseSync(`${folder}/${databaseName}`, { readOnly: true });
  try {
    source.exec(`PRAGMA busy_timeout = ${patienceMs}`);
    source.prepare("SELECT count(*) FROM sqlite_schema").get();
    return source;
  } catch (error) {
    source.close();
    throw error;
  }
}

interface CopiedLog {
  readonly schema: number;
  readonly epoch: string;
  readonly head: number;
  /** Paths of the contents of its files. */
  readonly blobs: ReadonlySet<string>;
}

/** Reads the facts about a copied database, and turns it into a single file without a log. */
function readCopiedLog(path: string): CopiedLog {
  using database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = DELETE");
  const value = (sql: string) => Object.values(database.prepare(sql).get() ?? {})[0];
  return {
    schema: Number(value("PRAGMA user_version")),
    epoch: String(value("SELECT epoch FROM log")),
    head: Number(value(selectHead)),
    blobs: heldBlobs(database),
  };
}

/** Returns no paths for old schemas, which have no table of files. */
function heldBlobs(database: DatabaseSync): Set<string> {
  const known = database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'file'").get();
  if (known === undefined) return new Set();
  const rows = database.prepare("SELECT DISTINCT lower(hex(sha256)) AS hash FROM file WHERE complete = 1").all();
  return new Set((rows as { hash: string }[]).map(({ hash }) => `files/${hash.slice(0, 2)}/${hash}`));
}

/**
 * Returns those of `paths` that the database still refers to; the others were deleted with their messages meanwhile.
 */
function filterHeld(folder: string, paths: readonly string[]): string[] {
  using source = openSource(folder);
  const held = heldBlobs(source);
  return paths.filter((path) => held.has(path));
}

function copyBlobs(
  folder: string,
  { to, wanted, pace }: { to: string; wanted: ReadonlySet<string>; pace: Pace },
): { files: BackedUpFile[]; absent: string[] } {
  const files: BackedUpFile[] = [];
  const absent: string[] = [];
  for (const path of wanted) {
    const target = `${to}/${path}`;
    Deno.mkdirSync(target.slice(0, target.lastIndexOf("/")), { recursive: true, mode: 0o700 });
    const digest = copyIfExists(`${folder}/${path}`, target, pace);
    if (digest !== undefined && path.endsWith(`/${digest.sha256}`)) {
      files.push({ path, ...digest });
    } else {
      absent.push(path);
      if (digest !== undefined) Deno.removeSync(target);
    }
  }
  return { files, absent };
}

function copyIfExists(from: string, to: string, pace: Pace): ReturnType<typeof copyFile> | undefined {
  try {
    return copyFile(from, { to, pace });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function removeContents(folder: string): void {
  for (const { name } of Deno.readDirSync(folder)) Deno.removeSync(`${folder}/${name}`, { recursive: true });
}
