import { createHash } from "node:crypto";
import { ChatError } from "../../core/chat_error.ts";
import { concatenate } from "../../core/concatenate.ts";
import type { AddUploadResult, FileQuotas, FileStore, KnownUpload, Upload } from "../../core/files/file_store.ts";
import { pause } from "../../core/pause.ts";
import { uploadMissingError } from "../shared/upload_missing_error.ts";
import type { Database } from "./connection/database.ts";
import { announcedBytes, arrivedBytes, chunkBytes, sweptFiles } from "./schema/functions/files.ts";

interface UploadRow {
  readonly key: number;
  readonly owner: string;
  readonly id: string;
  readonly name: string;
  readonly media_type: string;
  readonly size: number;
  readonly sha256: Uint8Array;
  readonly begun_at: number;
  readonly complete: number;
}

/** Bytes that count towards the disk quota, apart from announced ones. */
interface DiskUse {
  /** When it was read, by `performance.now()`. */
  readonly readAt: number;
  /** Bytes of the database without chunks, whose space is used again before the database grows. */
  readonly database: number;
  /** Bytes of stored contents. */
  kept: number;
}

/** How old a {@link DiskUse} may be, in milliseconds. */
const diskUseMs = 5_000;
/** Chunks that one statement reads to compute a hash. */
const hashedChunks = 5;
/** The pause between two batches of a removal, in milliseconds, for other work. */
const restMs = 20;
const unending = new AbortController().signal;
const userId = '(SELECT u.id FROM "user" u WHERE u.name = $1)';

const statements = {
  find: `SELECT f.key, u.name AS owner, f.id, f.name, f.media_type, f.size, f.sha256, f.begun_at, f.complete
    FROM "user" u JOIN file f ON f.owner = u.id WHERE u.name = $1 AND f.id = $2`,
  received: `SELECT ${arrivedBytes("f.key")} AS bytes FROM file f WHERE f.owner = ${userId} AND f.id = $2`,
  add: "SELECT add_upload_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS result",
  write: "SELECT write_upload_1($1, $2, $3, $4) AS arrived",
  discard: "DELETE FROM chunk WHERE file = $1",
  chunks: `SELECT bytes FROM chunk WHERE file = $1 AND number >= $2 ORDER BY number LIMIT ${hashedChunks}`,
  finish: "SELECT finish_upload_1($1) AS result",
  remove: "DELETE FROM file WHERE key = $1 AND complete = 0 RETURNING 1",
  // Waits for no commit that attaches uploads: each of the two may have locked a row that the other waits for.
  removeUnsent: `DELETE FROM file WHERE key IN (
    SELECT f.key FROM file f WHERE f.position IS NULL AND f.begun_at < $1 LIMIT ${sweptFiles} FOR UPDATE SKIP LOCKED)
    RETURNING 1`,
  // Condition on complete again: an upload may have changed it meanwhile.
  removeUnfinished: `DELETE FROM file WHERE complete = 0 AND key = (
    SELECT f.key FROM file f WHERE f.owner = ${userId} AND f.complete = 0 AND f.begun_at < $2
    ORDER BY f.key LIMIT 1) RETURNING 1`,
  // Without chunks there is still the row of a content, with nulls.
  read: `SELECT k.number, substring(k.bytes FROM (greatest($2::bigint, k.number * ${chunkBytes})
      - k.number * ${chunkBytes} + 1)::int
      FOR (least($2::bigint + $3::bigint, (k.number + 1) * ${chunkBytes})
      - greatest($2::bigint, k.number * ${chunkBytes}))::int) AS bytes
    FROM content c LEFT JOIN chunk k ON k.file = c.file
      AND k.number BETWEEN $2::bigint / ${chunkBytes} AND ($2::bigint + $3::bigint - 1) / ${chunkBytes}
    WHERE c.sha256 = $1 ORDER BY k.number`,
  diskUse: `SELECT pg_database_size(current_database()) - pg_total_relation_size('chunk') AS database,
    coalesce((SELECT sum(size) FROM content), 0)::bigint AS kept`,
  announced: `SELECT ${announcedBytes} AS bytes`,
  sweepRemoved: "SELECT swept, freed FROM sweep_removed_files_1()",
  sweepChunks: 'SELECT sweep_chunks_1() AS "hasMore"',
};

/**
 * The file store: metadata and contents in PostgreSQL, contents in chunks. Each change is one statement, so it is whole
 * whenever the node or its connection ends.
 */
export class PostgresFileStore implements FileStore {
  readonly #database: Database;
  #diskUse: DiskUse | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(owner: string, id: string): Promise<KnownUpload | undefined> {
    const row = await this.#findRow({ owner, id });
    return row && toUpload(row);
  }

  async add(upload: Upload, { maxUnfinished, maxBytesOfOwner, maxDiskBytes }: FileQuotas): Promise<AddUploadResult> {
    const { owner, id, name, mediaType, size, sha256, begunAt } = upload;
    const room = maxDiskBytes === undefined ? null : maxDiskBytes - await this.#storedBytes();
    const announcement = [owner, id, name, mediaType, size, Uint8Array.fromHex(sha256), begunAt];
    const [{ result }] = await this.#database.write<{ result: AddUploadResult | "no_owner" }>(
      statements.add,
      [...announcement, maxUnfinished, maxBytesOfOwner, room],
    );
    if (result === "no_owner") throw new ChatError("not_found", `There is no user "${owner}".`);
    return result;
  }

  async diskBytes(): Promise<number> {
    const stored = await this.#storedBytes();
    const [{ bytes }] = await this.#database.read<{ bytes: number }>(statements.announced);
    return stored + bytes;
  }

  async received({ owner, id }: Upload): Promise<number> {
    const [row] = await this.#database.read<{ bytes: number }>(statements.received, [owner, id]);
    return row?.bytes ?? 0;
  }

  async write(upload: Upload, { offset, bytes }: { offset: number; bytes: Uint8Array }): Promise<number> {
    const { owner, id } = upload;
    try {
      const [{ arrived }] = await this.#database.write<{ arrived: number | null }>(
        statements.write,
        [owner, id, offset, bytes],
      );
      if (arrived === null) throw uploadMissingError(upload);
      return arrived;
    } catch (error) {
      if (error instanceof ChatError && error.code === "storage_full") await this.#discard(upload);
      throw error;
    }
  }

  async finish(upload: Upload): Promise<boolean> {
    const row = await this.#findRow(upload);
    if (row === undefined) throw uploadMissingError(upload);
    if (row.complete === 1) return true;
    if (!await this.#hasAnnouncedContent(row)) {
      const removed = await this.#database.write(statements.remove, [row.key]);
      if (removed.length === 0) throw uploadMissingError(upload);
      return false;
    }
    const [{ result }] = await this.#database.write<{ result: "new" | "known" | "missing" }>(
      statements.finish,
      [row.key],
    );
    if (result === "missing") throw uploadMissingError(upload);
    if (result === "new") this.#keep(row.size);
    return true;
  }

  async read(
    sha256: string,
    { offset, maxBytes }: { offset: number; maxBytes: number },
  ): Promise<Uint8Array | undefined> {
    const rows = await this.#database.read<{ number: number | null; bytes: Uint8Array }>(
      statements.read,
      [Uint8Array.fromHex(sha256), offset, maxBytes],
    );
    if (rows.length === 0) return undefined;
    const first = Math.floor(offset / chunkBytes);
    // Ends at the first chunk that is missing, so that damage does not become other bytes.
    return concatenate(rows.filter(({ number }, index) => number === first + index).map(({ bytes }) => bytes));
  }

  async removeUnsent(before: number, signal = unending): Promise<number> {
    let removed = 0;
    let count: number;
    do {
      count = (await this.#database.write(statements.removeUnsent, [before])).length;
      removed += count;
    } while (count === sweptFiles && await pause(restMs, signal));
    return removed;
  }

  async removeUnfinished(owner: string, before: number): Promise<boolean> {
    return (await this.#database.write(statements.removeUnfinished, [owner, before])).length > 0;
  }

  async removeUnheld(signal = unending): Promise<void> {
    while (!signal.aborted) {
      const [{ swept, freed }] = await this.#database.write<{ swept: number; freed: number }>(statements.sweepRemoved);
      this.#keep(-freed);
      if (swept < sweptFiles || !await pause(restMs, signal)) break;
    }
    while (!signal.aborted) {
      const [{ hasMore }] = await this.#database.write<{ hasMore: boolean }>(statements.sweepChunks);
      if (!hasMore || !await pause(restMs, signal)) break;
    }
  }

  /** Discards the bytes of an upload that the disk has no room for. */
  async #discard(upload: Upload): Promise<void> {
    try {
      const row = await this.#findRow(upload);
      if (row?.complete === 0) await this.#database.write(statements.discard, [row.key]);
    } catch {
      // The upload goes with its lifetime, and the caller reports the full disk.
    }
  }

  /** Whether the bytes of an upload are those that its owner announced. Reads a few chunks at a time. */
  async #hasAnnouncedContent({ key, size, sha256 }: UploadRow): Promise<boolean> {
    const hash = createHash("sha256");
    let length = 0;
    for (let number = 0;; number += hashedChunks) {
      const chunks = await this.#database.read<{ bytes: Uint8Array }>(statements.chunks, [key, number]);
      for (const { bytes } of chunks) {
        hash.update(bytes);
        length += bytes.length;
      }
      if (chunks.length < hashedChunks) break;
    }
    return length === size && hash.digest("hex") === sha256.toHex();
  }

  async #findRow({ owner, id }: { owner: string; id: string }): Promise<UploadRow | undefined> {
    return (await this.#database.read<UploadRow>(statements.find, [owner, id]))[0];
  }

  /** Returns the bytes of contents and of the database beside them, which may be some seconds old. */
  async #storedBytes(): Promise<number> {
    if (this.#diskUse === undefined || performance.now() - this.#diskUse.readAt > diskUseMs) {
      const readAt = performance.now();
      const [use] = await this.#database.read<Omit<DiskUse, "readAt">>(statements.diskUse);
      this.#diskUse = { readAt, ...use };
    }
    return this.#diskUse.database + this.#diskUse.kept;
  }

  /** Counts a content that was stored or removed since the last reading. */
  #keep(bytes: number): void {
    if (this.#diskUse !== undefined) this.#diskUse.kept += bytes;
  }
}

function toUpload({ owner, id, name, media_type: mediaType, size, sha256, begun_at: begunAt, complete }: UploadRow) {
  return { owner, id, name, mediaType, size, sha256: sha256.toHex(), begunAt, isComplete: complete === 1 };
}
