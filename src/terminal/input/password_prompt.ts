import { ChatError } from "../../core/chat_error.ts";

/** A terminal, as far as a prompt uses it. */
export interface PromptTerminal {
  isTerminal(): boolean;
  /** Turns raw mode on or off: no echo, and keys arrive one by one. */
  setRaw(raw: boolean): void;
  /** `null` at the end of the input. */
  read(buffer: Uint8Array): Promise<number | null>;
  write(text: string): void;
}

/** Reads keys from stdin, and writes to stderr: stdout stays clean. */
export const processTerminal: PromptTerminal = {
  isTerminal: () => Deno.stdin.isTerminal() && Deno.stderr.isTerminal(),
  setRaw: (raw) => Deno.stdin.setRaw(raw),
  read: (buffer) => Deno.stdin.read(buffer),
  write: (text) => {
    const bytes = new TextEncoder().encode(text);
    for (let written = 0; written < bytes.length;) written += Deno.stderr.writeSync(bytes.subarray(written));
  },
};

/** The person pressed Ctrl-C at a prompt. The terminal was restored. */
export class PromptInterrupted extends Error {
  override readonly name = "PromptInterrupted";
}

/** Longest input, in UTF-16 units: longer than any password may be. */
const maxLength = 1024;

/**
 * Asks for one line without showing it, and restores the terminal in any case.
 * @throws {ChatError} `invalid_argument` when there is no terminal
 * @throws {PromptInterrupted} at Ctrl-C; at Ctrl-D or the end of the input if the line is empty
 */
export async function promptPassword(question: string, terminal: PromptTerminal = processTerminal): Promise<string> {
  const [answer] = await ask([question], terminal);
  return answer;
}

/** Asks twice. @throws {ChatError} `invalid_argument` when the answers differ; otherwise like {@link promptPassword} */
export async function promptNewPassword(
  questions: { first: string; again: string },
  terminal: PromptTerminal = processTerminal,
): Promise<string> {
  const [first, again] = await ask([questions.first, questions.again], terminal);
  if (first === again) return first;
  throw new ChatError("invalid_argument", "The passwords differ. Try again.");
}

async function ask(questions: readonly string[], terminal: PromptTerminal): Promise<string[]> {
  if (!terminal.isTerminal()) {
    throw new ChatError(
      "invalid_argument",
      "There is no terminal to ask for the password. Pass it with --password-file FILE or in CHATD_PASSWORD.",
    );
  }
  terminal.setRaw(true);
  try {
    const keys = readKeys(terminal);
    const answers: string[] = [];
    for (const question of questions) {
      terminal.write(question);
      answers.push(await readLine(keys));
      terminal.write("\r\n");
    }
    return answers;
  } catch (error) {
    terminal.write("\r\n");
    throw error;
  } finally {
    terminal.setRaw(false);
  }
}

/** How long after ESC the rest of a key may come, in milliseconds; later, ESC was a key of its own. */
const escapeMs = 100;

/** Yields typed or pasted characters; the rest of a read is there for the next answer. */
async function* readKeys(terminal: PromptTerminal): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(256);
  let escape = "";
  let last = "";
  let lastRead = performance.now();
  for (let count; (count = await terminal.read(buffer)) !== null;) {
    if (performance.now() - lastRead > escapeMs) escape = "";
    lastRead = performance.now();
    for (const key of decoder.decode(buffer.subarray(0, count), { stream: true })) {
      if (escape !== "") {
        escape = continuesEscape(escape, key) ? escape + key : "";
      } else if (key === "\x1b") {
        escape = key;
      } else if (!(key === "\n" && last === "\r")) {
        yield key;
      }
      last = key;
    }
  }
}

async function readLine(keys: AsyncGenerator<string, void>): Promise<string> {
  let line = "";
  for (;;) {
    const { done, value: key } = await keys.next();
    if (key === "\r" || key === "\n") return line;
    if (key === "\x03") throw new PromptInterrupted("Interrupted.");
    if (done || key === "\x04") {
      if (line !== "") return line;
      throw new PromptInterrupted("The input ended.");
    }
    if (key === "\x08" || key === "\x7f") line = [...line].slice(0, -1).join("");
    else if (key === "\x15") line = "";
    else if (key >= " " && line.length < maxLength) line += key;
  }
}

/** Whether a key such as an arrow (`ESC [ … final` or `ESC O final`, ECMA-48 5.4) continues after this character. */
function continuesEscape(escape: string, character: string): boolean {
  if (escape === "\x1b") return character === "[" || character === "O";
  return escape[1] === "[" && !(character >= "@" && character <= "~");
}
