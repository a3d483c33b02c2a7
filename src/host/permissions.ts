import { resolve } from "node:path";
import { ChatError } from "../core/chat_error.ts";

/**
 * Requires the permissions to read and write the data folder, without a prompt of Deno.
 * @throws {ChatError} `permission_denied`, which names the flags to add
 */
export function requireDataFolder(folder: string): void {
  const missing = (["read", "write"] as const).filter((name) =>
    Deno.permissions.querySync({ name, path: folder }).state !== "granted"
  );
  if (missing.length === 0) return;
  throw new ChatError(
    "permission_denied",
    `Deno does not let chatd use the data folder "${folder}": add ${
      missing.map((name) => `--allow-${name}=${quoted(folder)}`).join(" ")
    } to deno run.`,
  );
}

/** Returns the error for a socket in the data folder that Deno refused. */
export function socketRefused(path: string, cause: unknown): ChatError {
  return new ChatError(
    "permission_denied",
    `Deno does not let chatd use the socket "${path}": add --allow-net=${quoted(`unix:${resolve(path)}`)} ` +
      `(or --allow-net) to deno run.`,
    { cause },
  );
}

function quoted(word: string): string {
  return /^[\w./:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
