import { resolve } from "node:path";
import { ChatError } from "../core/chat_error.ts";

/**
 * Refuses, without Deno asking anybody, when this process may not use the data folder.
 * @throws {ChatError} `permission_denied`, which names the flags to add.
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

/** What to throw when Deno refused the socket in the data folder. */
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
