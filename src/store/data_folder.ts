import { ChatError } from "../core/chat_error.ts";
import { knownPathReason } from "../core/system_error.ts";

/**
 * Creates the data folder with mode 0700; an existing one keeps its mode.
 * @throws {ChatError} `permission_denied` if this process may not create, read or write it
 */
export function prepareDataFolder(folder: string): void {
  try {
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw dataFolderError(folder, error);
  }
}

/** Maps an error of opening a file in the data folder to one for people. */
export function dataFolderError(folder: string, cause: unknown): unknown {
  if (cause instanceof Deno.errors.NotCapable) {
    return new ChatError(
      "permission_denied",
      `Deno does not let chatd use the data folder "${folder}": add --allow-read="${folder}" --allow-write="${folder}" to deno run.`,
      { cause },
    );
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return new ChatError(
      "permission_denied",
      `Cannot write to the data folder "${folder}" as this user: change its owner, or choose another folder with --data.`,
      { cause },
    );
  }
  if (
    cause instanceof Deno.errors.AlreadyExists || cause instanceof Deno.errors.NotADirectory ||
    cause instanceof Deno.errors.FilesystemLoop
  ) {
    return new ChatError(
      "invalid_argument",
      `The data folder "${folder}" is not a folder: choose another one with --data.`,
      { cause },
    );
  }
  const reason = knownPathReason(cause);
  if (reason === undefined) return cause;
  return new ChatError(
    "permission_denied",
    `Cannot write to the data folder "${folder}": ${reason}. Free or change it, or choose another folder with --data.`,
    { cause },
  );
}

/**
 * Checks that this process can write to an existing data folder, and leaves nothing in it.
 * @throws {ChatError} `permission_denied`
 */
export function requireWritable(folder: string): void {
  const probe = `${folder}/.${crypto.randomUUID()}.tmp`;
  try {
    Deno.openSync(probe, { createNew: true, write: true, mode: 0o600 }).close();
    Deno.removeSync(probe);
  } catch (error) {
    throw dataFolderError(folder, error);
  }
}

/** In a folder from which a node last served a database: see `LeaseFile`. */
export const leaseFileName = "lease";

/**
 * Refuses a folder whose server keeps its data in a database: a chat in the folder itself would be another one, or that
 * of a time before its import.
 * @throws {ChatError} `invalid_argument`
 */
export function refuseDatabaseFolder(folder: string): void {
  try {
    Deno.statSync(`${folder}/${leaseFileName}`);
  } catch {
    return;
  }
  throw new ChatError(
    "invalid_argument",
    `The server of "${folder}" keeps its data in a database: give --database (CHATD_DATABASE), or choose another ` +
      `folder with --data. To use this folder without the database again, remove "${folder}/${leaseFileName}".`,
  );
}
