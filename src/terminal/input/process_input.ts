import { processTerminal, type PromptTerminal } from "./password_prompt.ts";

const unread: Uint8Array[] = [];
let reading: Promise<void> | undefined;
let ended = false;

/**
 * Reads the next input; undefined at its end, or when `signal` aborts. A read from a terminal cannot be cancelled: its
 * result is kept for the next caller, so no key is lost between a chat and a prompt.
 */
export async function readProcessInput(signal?: AbortSignal): Promise<Uint8Array | undefined> {
  const aborted = Promise.withResolvers<void>();
  const abort = () => aborted.resolve();
  signal?.addEventListener("abort", abort);
  while (unread.length === 0 && !ended && !signal?.aborted) {
    await Promise.race([reading ??= read(), aborted.promise]);
  }
  signal?.removeEventListener("abort", abort);
  return signal?.aborted ? undefined : unread.shift();
}

/** The terminal for prompts, which reads the same input. */
export const promptTerminal: PromptTerminal = {
  ...processTerminal,
  async read(buffer) {
    const bytes = await readProcessInput();
    if (!bytes) return null;
    if (bytes.length > buffer.length) unread.unshift(bytes.subarray(buffer.length));
    buffer.set(bytes.subarray(0, buffer.length));
    return Math.min(bytes.length, buffer.length);
  },
};

/** Asks for one line, which is shown; undefined at the end of the input. */
export async function askLine(question: string): Promise<string | undefined> {
  promptTerminal.write(`${question} `);
  const utf8 = new TextDecoder();
  let line = "";
  while (!line.includes("\n")) {
    const bytes = await readProcessInput();
    if (!bytes) return line === "" ? undefined : line;
    line += utf8.decode(bytes, { stream: true });
  }
  const end = line.indexOf("\n");
  if (end + 1 < line.length) unread.unshift(new TextEncoder().encode(line.slice(end + 1)));
  return line.slice(0, end);
}

async function read(): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  // Any error means that the terminal is gone.
  const count = await Deno.stdin.read(buffer).catch(() => null);
  if (count === null) ended = true;
  else unread.push(buffer.subarray(0, count));
  reading = undefined;
}
