import { ChatError } from "../core/chat_error.ts";
import { dataFolderError, prepareDataFolder } from "./data_folder.ts";

const fileName = "chatd.lock";

/** Ownership of a data folder, until it is released or the process ends. */
export interface FolderLock extends Disposable {
  /** Idempotent. */
  release(): void;
}

/**
 * Locks the data folder for this process, creating it if necessary. The operating system holds the lock (flock(2)), so
 * a crash releases it; the remaining file has no meaning. A second call in the same process fails, too.
 * @throws {ChatError} `busy` if another server has it, `permission_denied` if the folder cannot be used
 */
export function lockFolder(folder: string): FolderLock {
  prepareDataFolder(folder);
  const file = openLockFile(folder);
  if (!file.tryLockSync(true)) {
    const owner = readOwner(file);
    file.close();
    throw new ChatError(
      "busy",
      `The data folder "${folder}" is in use by another chatd server${owner}: stop that server, or choose another ` +
        "folder with --data.",
    );
  }
  file.truncateSync(0);
  file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
  let held = true;
  const release = () => {
    if (held) file.close();
    held = false;
  };
  return { release, [Symbol.dispose]: release };
}

function openLockFile(folder: string): Deno.FsFile {
  try {
    return Deno.openSync(`${folder}/${fileName}`, { create: true, read: true, write: true, mode: 0o600 });
  } catch (error) {
    throw dataFolderError(folder, error);
  }
}

/** Whether any process has locked the folder. */
export function wasLocked(folder: string): boolean {
  try {
    return Deno.lstatSync(`${folder}/${fileName}`).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Returns the id of the process that locked the folder last; it still owns the folder if locking fails. */
export function lastOwner(folder: string): number | undefined {
  return Number.parseInt(Deno.readTextFileSync(`${folder}/${fileName}`)) || undefined;
}

function readOwner(file: Deno.FsFile): string {
  const bytes = new Uint8Array(16);
  const length = file.readSync(bytes) ?? 0;
  const pid = Number.parseInt(new TextDecoder().decode(bytes.subarray(0, length)));
  return Number.isNaN(pid) ? "" : ` (process ${pid})`;
}

/** Like {@link lockFolder}, but returns undefined if another process has the folder. */
export function tryLockFolder(folder: string): Disposable | undefined {
  try {
    return lockFolder(folder);
  } catch (error) {
    if (error instanceof ChatError && error.code === "busy") return undefined;
    throw error;
  }
}
