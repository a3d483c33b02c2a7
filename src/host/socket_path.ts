import { join, relative } from "node:path";
import { ChatError } from "../core/chat_error.ts";

/** Longest path of a Unix socket, in bytes (unix(7): 108 with the zero at its end; 104 on macOS). */
const maxBytes = Deno.build.os === "darwin" ? 103 : 107;

/**
 * Returns the path of a data folder's control socket: as `folder` is given or relative to the working directory,
 * whichever is shorter, because the system limits its length.
 * @throws {ChatError} `invalid_argument` when both are too long
 */
export function controlSocketPath(folder: string): string {
  const written = join(folder, "chatd.sock");
  const candidates = [written, relative(Deno.cwd(), written)].filter((path) => path !== "");
  const [shortest] = candidates.sort((a, b) => byteLength(a) - byteLength(b));
  if (byteLength(shortest) <= maxBytes) return shortest;
  throw new ChatError(
    "invalid_argument",
    `The path of the data folder is too long for the socket in it: "${shortest}" has ${byteLength(shortest)} bytes, ` +
      `and the system takes ${maxBytes}. Choose a shorter one, or start chatd in a folder near to it.`,
  );
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
