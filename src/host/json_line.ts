import { ChatError } from "../core/chat_error.ts";

/**
 * Reads one line of JSON, and drops any bytes after it.
 * @throws {ChatError} `invalid_argument` when it is longer than `maxBytes`, is not JSON, or the peer ends before it
 */
export async function readJsonLine(
  connection: { read(buffer: Uint8Array): Promise<number | null> },
  { maxBytes }: { maxBytes: number },
): Promise<unknown> {
  const line = new Uint8Array(maxBytes + 1);
  for (let length = 0; length < line.length;) {
    const count = await connection.read(line.subarray(length));
    if (count === null) throw new ChatError("invalid_argument", "The line ended before it was complete.");
    const end = line.subarray(length, length + count).indexOf(0x0a);
    if (end >= 0) return parse(line.subarray(0, length + end));
    length += count;
  }
  throw new ChatError("invalid_argument", `The line is longer than ${maxBytes} bytes.`);
}

export async function writeJsonLine(
  connection: { write(bytes: Uint8Array): Promise<number> },
  value: unknown,
): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  for (let written = 0; written < bytes.length;) written += await connection.write(bytes.subarray(written));
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    // The line may hold a password: nothing of it goes into the error.
    throw new ChatError("invalid_argument", "The line is not JSON.");
  }
}
