import { ChatError } from "../../core/chat_error.ts";
import { knownPathReason } from "../../core/system_error.ts";
import { sanitizeLine } from "../../core/sanitize.ts";

/**
 * The format of backups: a folder with `chatd.sqlite`, `files/ab/<sha256>` and `manifest.json`, which is written last.
 */
export const backupFormat = 1;

export interface BackedUpFile {
  /** Path in the backup, with "/": "chatd.sqlite" or "files/ab/ab…". */
  readonly path: string;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

export interface BackupManifest {
  readonly format: number;
  /** The version of the chatd that wrote the backup. */
  readonly chatd: string;
  /** The version of the database's schema. */
  readonly schema: number;
  /** The epoch of the log; a restored log gets another. */
  readonly epoch: string;
  /** The newest position in the backup; 0 without messages. */
  readonly head: number;
  /** The start of the backup, in ISO 8601. It contains everything that was accepted before. */
  readonly created: string;
  readonly files: readonly BackedUpFile[];
  /** Paths of files that were missing or damaged in the data folder. */
  readonly missing: readonly string[];
}

export const manifestName = "manifest.json";
export const databaseName = "chatd.sqlite";

/**
 * SQL for the newest position in a database of any schema. The columns of heads may be older than the newest entries,
 * but never older than removed ones.
 */
export const selectHead = `SELECT max(
  (SELECT coalesce(max(head_position), 0) FROM conversation), (SELECT coalesce(max(position), 0) FROM entry))`;

const blobPath = /^files\/([0-9a-f]{2})\/(\1[0-9a-f]{62})$/;

/** Whether `path` is the path of a content, in a data folder or a backup. */
export function isBlobPath(path: string): boolean {
  return blobPath.test(path);
}

/**
 * Reads the manifest of a finished backup.
 * @throws {ChatError} `not_found`, `invalid_argument`, `unsupported_version`
 */
export function readManifest(folder: string): BackupManifest {
  const path = `${folder}/${manifestName}`;
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) {
      throw new ChatError("not_found", `"${folder}" is not a finished backup: it has no ${manifestName}.`, { cause });
    }
    const reason = knownPathReason(cause);
    if (reason === undefined) throw cause;
    throw new ChatError("invalid_argument", `Cannot read "${path}": ${reason}.`, { cause });
  }
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, cause);
  }
  const { format } = (manifest ?? {}) as { format?: unknown };
  if (typeof format === "number" && format > backupFormat) {
    throw new ChatError(
      "unsupported_version",
      `The backup "${folder}" has format ${format}, but this chatd supports ${backupFormat}: use a newer chatd.`,
    );
  }
  if (!isManifest(manifest)) throw damaged(path);
  return manifest;
}

/** Returns the error for a file that does not match the manifest; `why` is part of a sentence. */
export function damagedFile(path: string, why: string): ChatError {
  return new ChatError("invalid_argument", `The backup is damaged: "${path}" ${why}. Use another backup.`);
}

function damaged(path: string, cause?: unknown): ChatError {
  return new ChatError("invalid_argument", `The backup is damaged: "${path}" is not a manifest. Use another backup.`, {
    cause,
  });
}

function isManifest(value: unknown): value is BackupManifest {
  if (typeof value !== "object" || value === null) return false;
  const manifest = value as Record<string, unknown>;
  if (manifest.format !== backupFormat) return false;
  if (!["chatd", "epoch", "created"].every((name) => isPlain(manifest[name]))) return false;
  if (!["schema", "head"].every((name) => Number.isSafeInteger(manifest[name]))) return false;
  const { files, missing } = manifest;
  if (!Array.isArray(files) || !files.every(isFile) || !Array.isArray(missing)) return false;
  return missing.every((path) => typeof path === "string") && files.some(({ path }) => path === databaseName);
}

/** Whether the value is safe to show to the operator, even if the backup is malicious. */
function isPlain(value: unknown): boolean {
  return typeof value === "string" && value.length <= 64 && sanitizeLine(value) === value;
}

function isFile(value: unknown): value is BackedUpFile {
  if (typeof value !== "object" || value === null) return false;
  const { path, bytes, sha256 } = value as Record<string, unknown>;
  if (typeof path !== "string" || !(path === databaseName || isBlobPath(path))) return false;
  return Number.isSafeInteger(bytes) && typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256);
}
