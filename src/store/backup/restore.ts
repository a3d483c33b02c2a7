import { DatabaseSync } from "node:sqlite";
import { ChatError } from "../../core/chat_error.ts";
import { copyFile, type FileDigest, syncFolder, takeEmptyFolder } from "../files/durable_files.ts";
import { lockFolder } from "../folder_lock.ts";
import { addMigrationFunctions } from "../sqlite/migration_functions.ts";
import { migrations } from "../sqlite/migrations.ts";
import { addSearchFunctions } from "../sqlite/search/search_expression.ts";
import { isDamage } from "../sqlite/storage_error.ts";
import { type BackupManifest, damagedFile, databaseName, readManifest, selectHead } from "./backup_manifest.ts";

/** The temporary name of the database, so that no server opens a partially restored folder. */
const unfinishedName = "chatd.sqlite.restoring";

export interface RestoreOptions {
  /** The folder of the backup. */
  readonly from: string;
  /** The data folder to create; an empty one may exist. */
  readonly folder: string;
  /** Logs out all devices, which invalidates the tokens in the backup. */
  readonly logOut: boolean;
}

export interface Restored {
  readonly manifest: BackupManifest;
  readonly users: number;
  readonly conversations: number;
  readonly entries: number;
  /** Devices that are still logged in. */
  readonly devices: number;
}

/**
 * Creates a data folder from a backup after verifying every file's hash and the integrity of the database. The log gets
 * a new epoch, so that clients drop their known positions. After a failure, the folder is empty.
 * @throws {ChatError} `invalid_argument` names a damaged file; `not_found`, `already_exists`, `unsupported_version`,
 * `busy`
 */
export function restoreBackup({ from, folder, logOut }: RestoreOptions): Restored {
  const manifest = readManifest(from);
  if (manifest.schema > migrations.length) {
    throw new ChatError(
      "unsupported_version",
      `The backup's database has version ${manifest.schema}, but this chatd supports versions up to ${migrations.length}: ` +
        `restore it with chatd ${manifest.chatd} or newer.`,
    );
  }
  createTarget(folder);
  try {
    using _lock = lockFolder(folder);
    for (const file of manifest.files) {
      const target = file.path === databaseName ? unfinishedName : file.path;
      restoreFile(`${from}/${file.path}`, { to: `${folder}/${target}`, file });
    }
    const restored = { manifest, ...renewDatabase(`${folder}/${unfinishedName}`, { manifest, from, logOut }) };
    syncFolder(folder);
    Deno.renameSync(`${folder}/${unfinishedName}`, `${folder}/${databaseName}`);
    syncFolder(folder);
    return restored;
  } catch (error) {
    for (const { name } of Deno.readDirSync(folder)) Deno.removeSync(`${folder}/${name}`, { recursive: true });
    throw error;
  }
}

function createTarget(folder: string): void {
  if (takeEmptyFolder(folder)) return;
  throw new ChatError(
    "already_exists",
    `Cannot restore to "${folder}", which is not empty: name a folder that does not exist yet with --data.`,
  );
}

function restoreFile(source: string, { to, file }: { to: string; file: BackupManifest["files"][number] }): void {
  Deno.mkdirSync(to.slice(0, to.lastIndexOf("/")), { recursive: true, mode: 0o700 });
  let found: FileDigest;
  try {
    found = copyFile(source, { to });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw damagedFile(source, "is missing");
    throw error;
  }
  if (found.bytes !== file.bytes) throw damagedFile(source, `has ${found.bytes} bytes instead of ${file.bytes}`);
  if (found.sha256 !== file.sha256) throw damagedFile(source, "has changed since the backup was made");
}

function renewDatabase(
  path: string,
  { manifest, from, logOut }: { manifest: BackupManifest; from: string; logOut: boolean },
): Omit<Restored, "manifest"> {
  const source = `${from}/${databaseName}`;
  using database = new DatabaseSync(path);
  const value = (sql: string) => Object.values(database.prepare(sql).get() ?? {})[0];
  try {
    const found = value("PRAGMA integrity_check");
    if (found !== "ok") throw damagedFile(source, `fails SQLite's integrity check (${found})`);
    if (database.prepare("PRAGMA foreign_key_check").get() !== undefined) {
      throw damagedFile(source, "has rows that refer to missing rows");
    }
    if (hasForeignCode(database, manifest.schema)) {
      throw damagedFile(
        source,
        "has triggers or views that chatd did not create, and that could change the restored data",
      );
    }
    const { epoch, schema, head } = manifest;
    const matchesManifest = value("SELECT epoch FROM log") === epoch && value("PRAGMA user_version") === schema &&
      value(selectHead) === head;
    if (!matchesManifest) throw damagedFile(source, "does not match the manifest");
    database.exec("UPDATE log SET epoch = lower(hex(randomblob(16)))");
    addSearchFunctions(database);
    dropTransientRows(database);
    if (logOut) database.exec("UPDATE device SET token_hash = NULL");
    return {
      users: Number(value("SELECT count(*) FROM user")),
      conversations: Number(value("SELECT count(*) FROM conversation")),
      entries: Number(value("SELECT count(*) FROM entry")),
      devices: Number(value("SELECT count(*) FROM device WHERE token_hash IS NOT NULL")),
    };
  } catch (error) {
    if (isDamage(error)) throw damagedFile(source, "is not a readable database");
    throw error;
  }
}

/** Whether the database has triggers or views that its schema does not define. */
function hasForeignCode(database: DatabaseSync, schema: number): boolean {
  using empty = new DatabaseSync(":memory:");
  addMigrationFunctions(empty);
  for (const step of migrations.slice(0, schema)) empty.exec(step);
  const known = codeOf(empty);
  return codeOf(database).some((code) => !known.includes(code));
}

function codeOf(database: DatabaseSync): string[] {
  const rows = database.prepare("SELECT name, sql FROM sqlite_schema WHERE type IN ('trigger', 'view')").all();
  return rows.map(({ name, sql }) => `${name}: ${sql}`);
}

/**
 * Drops rows about data that is not in a backup (unfinished uploads, unheld contents), and incarnations of the old
 * epoch.
 */
function dropTransientRows(database: DatabaseSync): void {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all().map(({ name }) => name);
  if (tables.includes("file")) database.exec("DELETE FROM file WHERE complete = 0");
  if (tables.includes("incarnation")) database.exec("DELETE FROM incarnation");
  if (tables.includes("unheld_content")) database.exec("DELETE FROM unheld_content");
}
