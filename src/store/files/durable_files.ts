import { createHash } from "node:crypto";
import { ChatError } from "../../core/chat_error.ts";
import { knownPathReason } from "../../core/system_error.ts";
import type { Pace } from "./pace.ts";

const bufferBytes = 1024 * 1024;

export interface FileDigest {
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** Reads a whole file, optionally throttled, and syncs it to disk. */
export function digestFile(path: string, pace?: Pace): FileDigest {
  using file = Deno.openSync(path, { read: true });
  const digest = readThrough(file, () => pace?.rest());
  file.syncSync();
  return digest;
}

/** Copies a file to a new path with mode 0600, optionally throttled, and syncs it to disk. */
export function copyFile(from: string, { to, pace }: { to: string; pace?: Pace }): FileDigest {
  using source = Deno.openSync(from, { read: true });
  using target = Deno.openSync(to, { createNew: true, write: true, mode: 0o600 });
  const digest = readThrough(source, (bytes) => {
    writeAll(target, bytes);
    pace?.rest();
  });
  target.syncSync();
  return digest;
}

/** Writes a new file with mode 0600, under a temporary name until it is on disk. */
export function writeFileWhole(path: string, text: string): void {
  const temporary = `${path}.new`;
  {
    using file = Deno.openSync(temporary, { createNew: true, write: true, mode: 0o600 });
    writeAll(file, new TextEncoder().encode(text));
    file.syncSync();
  }
  Deno.renameSync(temporary, path);
}

/** Syncs the entries of a folder to disk, except on systems without support for it. */
export function syncFolder(path: string): void {
  if (Deno.build.os === "windows") return;
  using folder = Deno.openSync(path, { read: true });
  folder.syncSync();
}

/**
 * Creates a folder with mode 0700, or takes an empty one.
 * @returns false if the path exists and is not an empty folder
 * @throws {ChatError} `not_found` without a parent folder, `invalid_argument` if the system refuses the path
 */
export function takeEmptyFolder(path: string): boolean {
  try {
    return takeIfEmpty(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new ChatError("not_found", `Cannot create "${path}": its parent folder does not exist.`, { cause });
    }
    const reason = knownPathReason(cause);
    if (reason === undefined) throw cause;
    throw new ChatError("invalid_argument", `Cannot use the folder "${path}": ${reason}.`, { cause });
  }
}

function takeIfEmpty(path: string): boolean {
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  const isFolder = Deno.statSync(path).isDirectory;
  if (!isFolder || !Deno.readDirSync(path)[Symbol.iterator]().next().done) return false;
  if (Deno.build.os !== "windows") Deno.chmodSync(path, 0o700);
  return true;
}

function readThrough(file: Deno.FsFile, take: (bytes: Uint8Array) => void): FileDigest {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(bufferBytes);
  let bytes = 0;
  for (let count = file.readSync(buffer); count !== null; count = file.readSync(buffer)) {
    const read = buffer.subarray(0, count);
    hash.update(read);
    take(read);
    bytes += count;
  }
  return { bytes, sha256: hash.digest("hex") };
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
}
