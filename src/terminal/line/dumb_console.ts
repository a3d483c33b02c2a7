import type { Face } from "./line_console.ts";
import { SubmissionQueue } from "./submission_queue.ts";
import type { TerminalDevice } from "../input/terminal_device.ts";

/** Longest line that is taken, in UTF-16 units. */
const maxLine = 64 * 1024;

/** The face for a terminal that can only write lines (TERM=dumb): it edits the input line by itself. */
export class PlainFace implements Face {
  readonly submissions = new SubmissionQueue();
  readonly #device: TerminalDevice;
  readonly #reading: Promise<void>;
  #prompt = "";
  #closed = false;
  readonly #leave = new AbortController();
  #secret: ((text: string | undefined) => void) | undefined;

  constructor(device: TerminalDevice) {
    this.#device = device;
    this.#reading = this.#readLines();
  }

  async print(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.#device.write(lines.map((line) => `${line}\n`).join(""));
  }

  setPrompt(prompt: string): void {
    // Without a way to erase it, a countdown would fill the screen.
    const stable = prompt.replace(/\d+ s/, "…");
    if (stable === this.#prompt || this.#closed) return;
    this.#prompt = stable;
    void this.#device.write(`${stable}\n`);
  }

  setPending(): void {}

  restoreDraft(): boolean {
    return false;
  }

  async askSecret(question: string): Promise<string | undefined> {
    if (this.#closed) return undefined;
    await this.#device.write(question);
    this.#device.setRaw(true);
    try {
      return await new Promise<string | undefined>((resolve) => this.#secret = resolve);
    } finally {
      this.#secret = undefined;
      this.#device.setRaw(false);
      await this.#device.write("\n");
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#secret?.(undefined);
    this.#leave.abort();
    await this.#reading;
  }

  async #readLines(): Promise<void> {
    const utf8 = new TextDecoder();
    let rest = "";
    while (!this.#closed) {
      const bytes = await this.#device.read(this.#leave.signal);
      if (!bytes) break;
      rest += utf8.decode(bytes, { stream: true });
      if (this.#secret && (rest.includes("\x03") || rest.includes("\x04"))) {
        rest = "";
        this.#secret(undefined);
      }
      const lines = rest.split(/\r\n|[\r\n]/);
      rest = lines.pop()!.slice(0, maxLine);
      for (const line of lines) {
        if (this.#secret) this.#secret(eraseTyped(line) || undefined);
        else this.submissions.push(line);
      }
    }
    this.#closed = true;
    this.#secret?.(undefined);
    this.submissions.end();
  }
}

/** What is left of raw input when the keys that erase are followed. */
function eraseTyped(line: string): string {
  let text = "";
  for (const character of line) {
    if (character === "\x7f" || character === "\b") text = [...text].slice(0, -1).join("");
    else if (character === "\x15") text = "";
    else text += character;
  }
  return text;
}
