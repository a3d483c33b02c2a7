import { sanitizeLine } from "../../core/sanitize.ts";
import { outputError } from "../../core/system_error.ts";
import { processOutput } from "../../host/process_output.ts";
import { AppendedStdout } from "./appended_stdout.ts";

interface Sink {
  write(bytes: Uint8Array): Promise<number>;
}

/** Writes lines of data to stdout, for other programs. A file that is appended to gets whole lines only. */
export class Output {
  readonly #sink: Sink;
  #file: AppendedStdout | undefined;
  #isClosed = false;
  #hasBegun = false;

  constructor(sink?: Sink) {
    this.#file = sink === undefined ? AppendedStdout.open() : undefined;
    this.#sink = sink ?? Deno.stdout;
  }

  /**
   * Resolves once the reader has taken the whole line.
   * @returns false if the reader has closed the pipe
   * @throws {SystemError} if the system refuses to write it
   */
  async line(text: string): Promise<boolean> {
    if (this.#isClosed) return false;
    const isWithinLine = !this.#hasBegun && this.#file?.endsInLine;
    this.#hasBegun = true;
    const bytes = new TextEncoder().encode(`${isWithinLine ? "\n" : ""}${text}\n`);
    try {
      if (this.#file?.append(bytes)) return true;
      this.#file = undefined;
      for (let written = 0; written < bytes.length;) written += await this.#sink.write(bytes.subarray(written));
      return true;
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw outputError(error);
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
  processOutput.stderr(`chatd: ${sanitizeLine(text)}`);
}
