import { ChatError } from "../core/chat_error.ts";

/** A certificate, a chain or a key. @throws {ChatError} `invalid_argument` when it cannot be read. */
export async function readPem(file: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ChatError("invalid_argument", `Cannot read "${file}": ${why}`, { cause });
  }
}

/** Like {@link readPem}. */
export async function readPemText(file: string): Promise<string> {
  return new TextDecoder().decode(await readPem(file));
}
