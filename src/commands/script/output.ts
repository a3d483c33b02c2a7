import { sanitizeLine } from "../../core/sanitize.ts";

/** Writes lines of data to stdout, for other programs. */
export class Output {
  readonly #sink: { write(bytes: Uint8Array): Promise<number> };
  #isClosed = false;

  constructor(sink: { write(bytes: Uint8Array): Promise<number> } = Deno.stdout) {
    this.#sink = sink;
  }

  /** Resolves once the reader has taken the whole line. @returns false if the reader has closed the pipe */
  async line(text: string): Promise<boolean> {
    if (this.#isClosed) return false;
    const bytes = new TextEncoder().encode(`${text}\n`);
    try {
      for (let written = 0; written < bytes.length;) written += await this.#sink.write(bytes.subarray(written));
      return true;
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      this.#isClosed = true;
      return false;
    }
  }
}

/** Returns the last columns of a line without the empty ones at its end. */
export function withoutEmptyEnd(columns: readonly string[]): readonly string[] {
  return columns.slice(0, columns.findLastIndex((column) => column !== "") + 1);
}

/** Control characters and text direction overrides, which JSON does not escape. */
const harmful = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Formats a value as one line of JSON that is safe to print on a terminal. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(harmful, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** Prints one line for people on stderr. */
export function printNotice(text: string): void {
  const bytes = new TextEncoder().encode(`chatd: ${sanitizeLine(text)}\n`);
  try {
    for (let written = 0; written < bytes.length;) written += Deno.stderr.writeSync(bytes.subarray(written));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
