import { sanitizeLine } from "../../core/sanitize.ts";

/** Lines of data, for other programs: the process's stdout unless given. */
export class Output {
  readonly #sink: { write(bytes: Uint8Array): Promise<number> };
  #gone = false;

  constructor(sink: { write(bytes: Uint8Array): Promise<number> } = Deno.stdout) {
    this.#sink = sink;
  }

  /** Resolves when all of it was taken: no sooner than the reader reads. @returns false when nobody reads any more. */
  async line(text: string): Promise<boolean> {
    if (this.#gone) return false;
    const bytes = new TextEncoder().encode(`${text}\n`);
    try {
      for (let written = 0; written < bytes.length;) written += await this.#sink.write(bytes.subarray(written));
      return true;
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      this.#gone = true;
      return false;
    }
  }
}

/** Control characters and overrides of direction, which JSON leaves as they are. */
const harmful = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** One line of JSON that can do nothing to a terminal, and means the same. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(harmful, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** Tells a person something on stderr, on one line. */
export function tell(text: string): void {
  const bytes = new TextEncoder().encode(`chatd: ${sanitizeLine(text)}\n`);
  try {
    for (let written = 0; written < bytes.length;) written += Deno.stderr.writeSync(bytes.subarray(written));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
