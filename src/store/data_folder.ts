import { ChatError } from "../core/chat_error.ts";

/**
 * Makes the data folder if there is none (mode 0700); one that exists keeps its mode.
 * @throws {ChatError} `permission_denied` when this process may not make, read or write it.
 */
export function prepareDataFolder(folder: string): void {
  try {
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw dataFolderError(folder, error);
  }
}

/** The error to show when something in the data folder cannot be opened. */
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
      `The data folder "${folder}" cannot be written by this user: change its owner, or choose another with --data.`,
      { cause },
    );
  }
  if (cause instanceof Deno.errors.AlreadyExists || cause instanceof Deno.errors.NotADirectory) {
    return new ChatError(
      "invalid_argument",
      `The data folder "${folder}" is not a folder: choose another with --data.`,
      { cause },
    );
  }
  return cause;
}
