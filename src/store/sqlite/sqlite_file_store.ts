import { ChatError } from "../../core/chat_error.ts";
import type { AddUploadResult, FileQuotas, FileStore, KnownUpload, Upload } from "../../core/files/file_store.ts";
import { pause } from "../../core/pause.ts";
import { idOfBytes } from "../../core/messages/message_id_bytes.ts";
import { ContentFolder } from "../files/content_folder.ts";
import { encodeId, settle } from "../shared/column_values.ts";
import { uploadMissingError } from "../shared/upload_missing_error.ts";
import { type Database, ordinaryLogBytes } from "./database.ts";

interface UploadRow {
  key: number;
  owner: string;
  id: Uint8Array;
  name: string;
  media_type: string;
  size: number;
  sha256: Uint8Array;
  begun_at: number;
  complete: number;
}

interface RemovedRow {
  key: number;
  size: number;
  complete: number;
}

/** The least that a file counts towards the quota, in bytes: a block of the disk. The triggers have the same number. */
const leastBytes = 4096;
/** Files to remove per batch. */
const batchSize = 100;
/** The pause between two batches, in milliseconds, for other work. */
const restMs = 20;
const unending = new AbortController().signal;
const userId = "(SELECT id FROM user WHERE name = ?)";

function prepareStatements(database: Database) {
  return {
    totals: database.prepare(
      `SELECT (SELECT coalesce(sum(size), 0) FROM (
           SELECT sha256, size FROM file WHERE complete = 1 UNION SELECT sha256, size FROM unheld_content)) AS kept,
         (SELECT coalesce(sum(size), 0) FROM file WHERE complete = 0) AS announced`,
    ),
    pages: database.prepare("PRAGMA page_count"),
    freePages: database.prepare("PRAGMA freelist_count"),
    pageSize: database.prepare("PRAGMA page_size"),
    find: database.prepare(
      `SELECT f.key, u.name AS owner, f.id, f.name, f.media_type, f.size, f.sha256, f.begun_at, f.complete
       FROM user u CROSS JOIN file f ON f.owner = u.id WHERE u.name = ? AND f.id = ?`,
    ),
    countUnfinished: database.prepare(`SELECT count(*) AS count FROM file WHERE owner = ${userId} AND complete = 0`),
    bytesOfOwner: database.prepare(`SELECT bytes FROM file_use WHERE owner = ${userId}`),
    add: database.prepare(
      `INSERT INTO file (owner, id, name, media_type, size, sha256, begun_at) VALUES (${userId}, ?, ?, ?, ?, ?, ?)`,
    ),
    complete: database.prepare("UPDATE file SET complete = 1 WHERE key = ?"),
    remove: database.prepare("DELETE FROM file WHERE key = ? RETURNING key, size, complete"),
    removeUnsent: database.prepare(
      `DELETE FROM file WHERE key IN (SELECT key FROM file WHERE position IS NULL AND begun_at < ? LIMIT ${batchSize})
       RETURNING key, size, complete`,
    ),
    removeUnfinished: database.prepare(
      `DELETE FROM file WHERE key = (
         SELECT key FROM file WHERE owner = ${userId} AND complete = 0 AND begun_at < ? ORDER BY key LIMIT 1)
       RETURNING key, size, complete`,
    ),
    isUnfinished: database.prepare("SELECT 1 FROM file WHERE key = ? AND complete = 0"),
    holder: database.prepare("SELECT size FROM file WHERE sha256 = ? AND complete = 1 LIMIT 1"),
    unheld: database.prepare(
      `SELECT sha256, size FROM unheld_content WHERE sha256 > ? ORDER BY sha256 LIMIT ${batchSize}`,
    ),
    addUnheld: database.prepare("INSERT OR IGNORE INTO unheld_content (sha256, size) VALUES (?, ?)"),
    forgetUnheld: database.prepare("DELETE FROM unheld_content WHERE sha256 = ? RETURNING size"),
  };
}

/**
 * The file store: metadata in SQLite, contents in a folder. A content is on disk before the database refers to it, and
 * is removed after its last reference: a crash can leave unreferenced contents, but never a missing one.
 */
export class SqliteFileStore implements FileStore {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #folder: ContentFolder;
  /** Contents of uploads that are being completed, with their number: not referenced yet, but must not be removed. */
  readonly #completing = new Map<string, number>();
  /** Bytes of stored contents. */
  #kept: number;
  /** Announced bytes of unfinished uploads. */
  #announced: number;
  #isSwept = false;

  constructor(database: Database, { folder }: { folder: string }) {
    this.#database = database;
    this.#statements = prepareStatements(database);
    this.#folder = new ContentFolder(folder);
    const { kept, announced } = this.#statements.totals.get() as { kept: number; announced: number };
    this.#kept = kept;
    this.#announced = announced;
  }

  find(owner: string, id: string): Promise<KnownUpload | undefined> {
    return settle(() => {
      const row = this.#findRow({ owner, id });
      return row && toUpload(row);
    });
  }

  add(upload: Upload, quotas: FileQuotas): Promise<AddUploadResult> {
    return settle<AddUploadResult>(() => {
      const { owner, id, name, mediaType, size, sha256, begunAt } = upload;
      const { countUnfinished, bytesOfOwner, add } = this.#statements;
      const { count } = countUnfinished.get(owner) as { count: number };
      if (count >= quotas.maxUnfinished) return "unfinished";
      const used = (bytesOfOwner.get(owner) as { bytes: number } | undefined)?.bytes ?? 0;
      if (used + Math.max(size, leastBytes) > quotas.maxBytesOfOwner) return "owner_full";
      if (quotas.maxDiskBytes !== undefined && this.#diskBytes() + size > quotas.maxDiskBytes) return "disk_full";
      this.#database.transaction(() =>
        add.run(owner, encodeId(id), name, mediaType, size, Uint8Array.fromHex(sha256), begunAt)
      );
      this.#announced += size;
      return "added";
    });
  }

  diskBytes(): Promise<number> {
    return settle(() => this.#diskBytes());
  }

  async received(upload: Upload): Promise<number> {
    const row = this.#findRow(upload);
    return row ? await this.#folder.receivedBytes(row.key) : 0;
  }

  async write(upload: Upload, chunk: { offset: number; bytes: Uint8Array }): Promise<number> {
    const key = this.#keyOf(upload);
    try {
      const arrived = await this.#folder.append(key, chunk);
      if (this.#findRow(upload) !== undefined) return arrived;
      // The upload was removed meanwhile, and append() created its file again.
      this.#folder.removeUpload(key);
      throw uploadMissingError(upload);
    } catch (error) {
      if (error instanceof ChatError && error.code === "storage_full") this.#folder.removeUpload(key);
      throw error;
    }
  }

  async finish(upload: Upload): Promise<boolean> {
    const key = this.#keyOf(upload);
    const { sha256, size } = upload;
    if (await this.#folder.digest(key) !== sha256) {
      this.#removeReceived(this.#database.transaction(() => this.#statements.remove.all(key)));
      this.#folder.removeUpload(key);
      return false;
    }
    this.#completing.set(sha256, (this.#completing.get(sha256) ?? 0) + 1);
    try {
      await this.#folder.keep(key, sha256);
      return this.#complete({ key, size, sha256 });
    } finally {
      const others = this.#completing.get(sha256)! - 1;
      if (others === 0) this.#completing.delete(sha256);
      else this.#completing.set(sha256, others);
    }
  }

  read(sha256: string, from: { offset: number; maxBytes: number }): Promise<Uint8Array | undefined> {
    return this.#folder.read(sha256, from);
  }

  async removeUnsent(before: number, signal = unending): Promise<number> {
    const remove = () =>
      this.#removeReceived(this.#database.transaction(() => this.#statements.removeUnsent.all(before)));
    let removed = 0;
    let count: number;
    do {
      count = (await settle(remove)).length;
      removed += count;
    } while (count === batchSize && await pause(restMs, signal));
    return removed;
  }

  removeUnfinished(owner: string, before: number): Promise<boolean> {
    return settle(() => {
      const remove = () => this.#statements.removeUnfinished.all(owner, before);
      return this.#removeReceived(this.#database.transaction(remove)).length > 0;
    });
  }

  async removeUnheld(signal = unending): Promise<void> {
    this.#isSwept ||= await this.#findOrphans(signal);
    let last: Uint8Array | undefined = new Uint8Array();
    while (last !== undefined && !signal.aborted) {
      last = await settle(() => this.#removeSomeUnheld(last!));
      if (last !== undefined) await pause(restMs, signal);
    }
  }

  /** Removes a batch of unreferenced contents after `after`. @returns the last one examined; undefined at the end */
  #removeSomeUnheld(after: Uint8Array): Uint8Array | undefined {
    const { unheld, holder, forgetUnheld } = this.#statements;
    const rows = unheld.all(after) as { sha256: Uint8Array; size: number }[];
    // Contents that are being completed are examined afterwards.
    const due = rows.filter(({ sha256 }) => !this.#completing.has(sha256.toHex()));
    for (const { sha256, size } of due) {
      if (holder.get(sha256) !== undefined) continue;
      this.#folder.removeContent(sha256.toHex());
      this.#kept -= size;
    }
    if (due.length > 0) this.#database.transaction(() => due.forEach(({ sha256 }) => forgetUnheld.run(sha256)));
    return rows.length < batchSize ? undefined : rows.at(-1)!.sha256;
  }

  /** Finds files of earlier processes that the database does not refer to. @returns whether all files were examined */
  async #findOrphans(signal: AbortSignal): Promise<boolean> {
    const { isUnfinished, holder, addUnheld } = this.#statements;
    for await (const key of this.#folder.uploads()) {
      if (signal.aborted) return false;
      if (isUnfinished.get(key) === undefined) this.#folder.removeUpload(key);
    }
    for await (const sha256 of this.#folder.contents()) {
      if (signal.aborted) return false;
      const content = Uint8Array.fromHex(sha256);
      if (holder.get(content) !== undefined || this.#completing.has(sha256)) continue;
      this.#database.transaction(() => addUnheld.run(content, 0));
    }
    return true;
  }

  /** Marks an upload as complete once its content is in place. @returns false if the upload was removed meanwhile */
  #complete({ key, size, sha256 }: { key: number; size: number; sha256: string }): boolean {
    const { complete, holder, forgetUnheld, addUnheld } = this.#statements;
    const content = Uint8Array.fromHex(sha256);
    const isHeld = holder.get(content) !== undefined;
    try {
      const counted = this.#database.transaction(() => {
        const { size: left = 0 } = (forgetUnheld.get(content) ?? {}) as { size?: number };
        if (complete.run(key).changes > 0) return isHeld || left > 0;
        addUnheld.run(content, left);
        return undefined;
      });
      if (counted === undefined) return false;
      this.#announced -= size;
      if (!counted) this.#kept += size;
      return true;
    } catch (error) {
      if (!isHeld && this.#completing.get(sha256) === 1) this.#folder.undoKeep(key, sha256);
      throw error;
    }
  }

  /** Removes the received bytes of uploads that were removed from the database. @returns their keys */
  #removeReceived(removed: unknown[]): number[] {
    return (removed as RemovedRow[]).map(({ key, size, complete }) => {
      if (complete === 0) {
        this.#folder.removeUpload(key);
        this.#announced -= size;
      }
      return key;
    });
  }

  /** @throws {ChatError} `not_found` if the upload was removed meanwhile */
  #keyOf(upload: Upload): number {
    const row = this.#findRow(upload);
    if (row === undefined) throw uploadMissingError(upload);
    return row.key;
  }

  #findRow({ owner, id }: { owner: string; id: string }): UploadRow | undefined {
    return this.#statements.find.get(owner, encodeId(id)) as UploadRow | undefined;
  }

  #diskBytes(): number {
    const { pages, freePages, pageSize } = this.#statements;
    // Excludes free pages, which SQLite reuses before the database grows.
    const used = Number(pages.get()?.page_count) - Number(freePages.get()?.freelist_count);
    const database = used * Number(pageSize.get()?.page_size);
    // Counts only the part of the log beyond its ordinary size, which the database has room for.
    const log = Math.max(0, this.#database.logBytes - ordinaryLogBytes);
    return database + log + this.#kept + this.#announced;
  }
}

function toUpload(row: UploadRow): KnownUpload {
  return {
    owner: row.owner,
    id: idOfBytes(row.id),
    name: row.name,
    mediaType: row.media_type,
    size: row.size,
    sha256: row.sha256.toHex(),
    begunAt: row.begun_at,
    isComplete: row.complete === 1,
  };
}
