import type { TerminalDevice } from "../input/terminal_device.ts";
import type { LineConsole } from "./line_console.ts";

export interface DumbConsoleEvents {
  /** The person submitted a line, which may be empty. */
  onSubmit(text: string): void;
  /** The person typed a line. */
  onInput(): void;
}

/** Longest line, in UTF-16 units. */
const maxLine = 64 * 1024;

/** A terminal that can only write lines (TERM=dumb), and edits the input line by itself. */
export class DumbConsole implements LineConsole {
  readonly #device: TerminalDevice;
  readonly #events: DumbConsoleEvents;
  #prompt = "";
  #isReading = false;
  #written = Promise.resolve();
  #secret: ((text: string | undefined) => void) | undefined;

  constructor(device: TerminalDevice, events: DumbConsoleEvents) {
    this.#device = device;
    this.#events = events;
  }

  async read(signal: AbortSignal): Promise<void> {
    this.#isReading = true;
    try {
      await this.#readLines(signal);
    } finally {
      this.#isReading = false;
      this.#secret?.(undefined);
    }
  }

  async close(): Promise<void> {
    await this.#written;
  }

  async print(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.#write(lines.map((line) => `${line}\n`).join(""));
  }

  setPrompt(prompt: string): void {
    // Without a way to erase it, a countdown would fill the screen.
    const stable = prompt.replace(/\d+ s/, "…");
    if (stable === this.#prompt || !this.#isReading) return;
    this.#prompt = stable;
    void this.#write(`${stable}\n`);
  }

  setPending(): void {}

  draftChanged(): void {}

  clear(): void {
    void this.print(["This terminal cannot be cleared: it only writes lines."]);
  }

  async askSecret(question: string): Promise<string | undefined> {
    if (!this.#isReading) return undefined;
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

  emit(sequence: string): void {
    void this.#write(sequence);
  }

  #write(text: string): Promise<void> {
    const written = this.#device.write(text);
    this.#written = Promise.all([this.#written, written]).then(() => {});
    return written;
  }

  async #readLines(signal: AbortSignal): Promise<void> {
    const utf8 = new TextDecoder();
    let rest = "";
    for (let bytes; (bytes = await this.#device.read(signal)) !== undefined;) {
      this.#events.onInput();
      rest += utf8.decode(bytes, { stream: true });
      if (this.#secret && (rest.includes("\x03") || rest.includes("\x04"))) {
        rest = "";
        this.#secret(undefined);
      }
      const lines = rest.split(/\r\n|[\r\n]/);
      rest = lines.pop()!.slice(0, maxLine);
      for (const line of lines) {
        if (this.#secret) this.#secret(eraseTyped(line) || undefined);
        else this.#events.onSubmit(line);
      }
    }
  }
}

/** Applies the erasing keys in raw input. */
function eraseTyped(line: string): string {
  let text = "";
  for (const character of line) {
    if (character === "\x7f" || character === "\b") text = [...text].slice(0, -1).join("");
    else if (character === "\x15") text = "";
    else text += character;
  }
  return text;
}
