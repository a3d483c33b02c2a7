import { ChatError } from "../core/chat_error.ts";

/** @throws {ChatError} `invalid_argument` when it cannot be read */
export async function readPemText(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ChatError("invalid_argument", `Cannot read "${file}": ${why}`, { cause });
  }
}
