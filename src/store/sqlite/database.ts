import { DatabaseSync, type StatementSync } from "node:sqlite";
import { ChatError } from "../../core/chat_error.ts";
import { dataFolderError } from "../data_folder.ts";
import { connectionSettings } from "./connection_settings.ts";
import { allocateLog } from "./log_allocation.ts";
import { Heads, type HeadsOptions } from "./log/heads.ts";
import { addMigrationFunctions } from "./migration_functions.ts";
import { migrations } from "./migrations.ts";
import { renewIndex } from "./search/index_form.ts";
import { addSearchFunctions } from "./search/search_expression.ts";
import { SharedWrites } from "./shared_writes.ts";
import { isBusy, isDamage, isRefused, writeError } from "./storage_error.ts";

/** "chat" in ASCII, which identifies chatd's files. */
const applicationId = 0x63686174;

/**
 * The main connection to the store's file: it reads everything, and writes everything but the batches of a writer thread.
 * The caller must hold the folder's lock.
 */
export class Database implements Disposable {
  /** Called after each transaction that is durable. */
  onCommit: (() => void) | undefined;
  /** Called before this connection writes: blocks while another connection of this process does. */
  beforeWrite: (() => void) | undefined;
  /** The heads of the log and of its conversations, some of which are not in the database yet. */
  readonly heads: Heads;
  readonly #path: string;
  readonly #connection: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #rollback: StatementSync;
  readonly #sharedWrites = new SharedWrites((work) => this.transaction(work, { durable: false }));

  private constructor(connection: DatabaseSync, { path, heads }: { path: string; heads: Heads }) {
    this.#path = path;
    this.#connection = connection;
    this.heads = heads;
    this.#begin = connection.prepare("BEGIN IMMEDIATE");
    this.#commit = connection.prepare("COMMIT");
    this.#rollback = connection.prepare("ROLLBACK");
  }

  /**
   * Opens the database in `folder`, creating it with mode 0600 or migrating its schema.
   * @throws {ChatError} `invalid_argument` if it is damaged or another program's, `unsupported_version` if it is from a
   * newer chatd, `storage_full`
   */
  static open(folder: string, options: HeadsOptions = {}): Database {
    const path = databasePath(folder);
    createFile(path, folder);
    return Database.#prepare(openConnection(path, folder), { path, options });
  }

  /** Opens a new database that is lost when it is closed. */
  static openInMemory(): Database {
    return Database.#prepare(new DatabaseSync(":memory:"), { path: ":memory:", options: {} });
  }

  static #prepare(
    connection: DatabaseSync,
    { path, options }: { path: string; options: HeadsOptions },
  ): Database {
    try {
      // Migrates before changing settings, so that a refused database stays unchanged.
      migrate(connection, path);
      connection.exec(connectionSettings);
      addSearchFunctions(connection);
      renewIndex(connection);
      const heads = new Heads(connection, options);
      for (const [name, compute] of Object.entries(heads.functions)) connection.function(name, compute);
      return new Database(connection, { path, heads });
    } catch (error) {
      connection.close();
      throw openError(path, error);
    }
  }

  /**
   * Prepares a statement. Write `LIMIT +?` instead of `LIMIT ?`: SQLite replans a statement whenever a value is bound
   * that its planner uses, and planning takes longer than most statements run.
   */
  prepare(sql: string): StatementSync {
    return this.#connection.prepare(sql);
  }

  /**
   * Runs `work` in one transaction, which is on disk when this returns, and undone when it throws. A transaction that
   * is not `durable` is synced with a later one; until then, a power failure undoes it as a whole.
   * @throws {ChatError} `storage_full` if the disk is full
   */
  transaction<T>(work: () => T, { durable = true }: { durable?: boolean } = {}): T {
    if (durable) {
      const result = this.#transact(work);
      this.onCommit?.();
      return result;
    }
    this.#connection.exec("PRAGMA synchronous = NORMAL");
    try {
      return this.#transact(work);
    } finally {
      this.#connection.exec("PRAGMA synchronous = FULL");
    }
  }

  /**
   * Writes up to `limit` heads of conversations that were moved and not written yet. Code that removes entries must
   * first write all, because heads that a crash loses are read from the entries.
   * @throws {ChatError} `storage_full`
   */
  writeHeads(limit?: number): void {
    // Another connection may move more heads.
    this.beforeWrite?.();
    const count = limit ?? this.heads.unwritten;
    if (count === 0) return;
    this.transaction(() => this.heads.write(count), { durable: false });
    this.heads.forget(count);
  }

  /**
   * Runs `work`, which writes by at most one statement, in a transaction that is not durable and that the calls of one
   * turn of the event loop share.
   * @throws {ChatError} `storage_full` if the disk is full
   */
  sharedTransaction<T>(work: () => T): Promise<T> {
    return this.#sharedWrites.add(work);
  }

  /**
   * Moves the write-ahead log into the file and truncates it; until then, it still contains overwritten and deleted
   * data.
   * @returns false if a reader of an older state prevents it; try again later
   * @throws {ChatError} `storage_full`
   */
  truncateLog(): boolean {
    this.beforeWrite?.();
    try {
      return this.#connection.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()?.busy === 0;
    } catch (error) {
      throw writeError(error);
    }
  }

  /** Gives the write-ahead log its least size, so that short commits do not make the file longer. */
  allocateLog(): void {
    allocateLog(`${this.#path}-wal`);
  }

  /** Size of the write-ahead log, in bytes. */
  get logBytes(): number {
    return writeAheadLogBytes(this.#path);
  }

  #transact<T>(work: () => T): T {
    this.beforeWrite?.();
    try {
      this.#begin.run();
      const result = work();
      this.#commit.run();
      return result;
    } catch (error) {
      // SQLite itself rolls back after some errors, such as a full disk.
      if (this.#connection.isTransaction) this.#rollback.run();
      throw writeError(error);
    }
  }

  /** Idempotent. */
  close(): void {
    if (!this.#connection.isOpen) return;
    this.#sharedWrites.flush();
    attempt(() => this.writeHeads());
    // SQLite truncates the log itself, but not while the connection of a search is still open.
    attempt(() => this.truncateLog());
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Runs a step of closing, which a failing disk must not prevent. */
function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // The next opening repeats it.
  }
}

/** The size of the write-ahead log while no reader prevents its truncation, in bytes: `journal_size_limit`. */
export const ordinaryLogBytes = 64 * 1024 * 1024;

/** Returns the size of the write-ahead log of the database at `path`, in bytes; 0 if there is none. */
export function writeAheadLogBytes(path: string): number {
  try {
    return Deno.statSync(`${path}-wal`).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

export function databasePath(folder: string): string {
  return `${folder}/chatd.sqlite`;
}

/** Checks that a data folder has a database. @throws {ChatError} `not_found` */
export function requireDatabase(folder: string): void {
  try {
    if (Deno.statSync(databasePath(folder)).isFile) return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  throw new ChatError("not_found", `There is no chatd data in "${folder}": name the data folder with --data.`);
}

function createFile(path: string, folder: string): void {
  try {
    Deno.openSync(path, { createNew: true, write: true, mode: 0o600 }).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw dataFolderError(folder, error);
  }
}

function openConnection(path: string, folder: string): DatabaseSync {
  try {
    return new DatabaseSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw dataFolderError(folder, error);
    throw openError(path, error);
  }
}

/** Migrates a database; `steps` are the migrations from an empty database on. Exported for tests. */
export function migrate(connection: DatabaseSync, path: string, steps: readonly string[] = migrations): void {
  const version = readPragma(connection, "user_version");
  if (version === 0) refuseForeign(connection, path);
  else if (readPragma(connection, "application_id") !== applicationId) throw foreignError(path);
  if (version > steps.length) {
    throw new ChatError(
      "unsupported_version",
      `The database "${path}" has version ${version}, but this chatd supports versions up to ${steps.length}: use a newer chatd.`,
    );
  }
  addMigrationFunctions(connection);
  // Otherwise words of a dropped index would stay in free pages, even after their messages are deleted.
  connection.exec("PRAGMA secure_delete = ON");
  for (let next = version; next < steps.length; next++) {
    connection.exec("BEGIN IMMEDIATE");
    try {
      connection.exec(steps[next]);
      connection.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${next + 1}; COMMIT`);
    } catch (error) {
      if (connection.isTransaction) connection.exec("ROLLBACK");
      throw error;
    }
  }
}

function readPragma(connection: DatabaseSync, name: string): number {
  return Number(connection.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function refuseForeign(connection: DatabaseSync, path: string): void {
  const { tables } = connection.prepare("SELECT count(*) AS tables FROM sqlite_schema").get() as { tables: number };
  if (tables > 0) throw foreignError(path);
}

function foreignError(path: string): ChatError {
  return new ChatError(
    "invalid_argument",
    `The database "${path}" belongs to another program: choose another folder with --data.`,
  );
}

/** Maps an error of opening a database. */
export function openError(path: string, cause: unknown): unknown {
  if (isRefused(cause)) {
    return new ChatError(
      "permission_denied",
      `Cannot open the database "${path}": this user must be able to read and write the file.`,
      { cause },
    );
  }
  if (isBusy(cause)) {
    return new ChatError(
      "busy",
      `Another program has locked the database "${path}": stop it, or try again later.`,
      { cause },
    );
  }
  if (!isDamage(cause)) return writeError(cause);
  return new ChatError(
    "invalid_argument",
    `The file "${path}" is damaged or not a database: restore a backup of it, or choose another folder with --data.`,
    { cause },
  );
}
