import { sanitizeLine } from "../../core/sanitize.ts";
import { outputError } from "../../core/system_error.ts";
import { processOutput } from "../../host/process_output.ts";

interface Sink {
  write(bytes: Uint8Array): Promise<number>;
}

const lineEnd = 10;

/** Writes lines of data to stdout, for other programs. A file that is appended to gets whole lines only. */
export class Output {
  readonly #sink: Sink;
  readonly #file: Deno.FsFile | undefined;
  #isClosed = false;
  #hasBegun = false;

  constructor(sink?: Sink) {
    this.#file = sink === undefined ? appendedFile() : undefined;
    this.#sink = sink ?? this.#file ?? Deno.stdout;
  }

  /**
   * Resolves once the reader has taken the whole line.
   * @returns false if the reader has closed the pipe
   * @throws {SystemError} if the system refuses to write it
   */
  async line(text: string): Promise<boolean> {
    if (this.#isClosed) return false;
    const bytes = new TextEncoder().encode(`${this.#startOfLine()}${text}\n`);
    const before = this.#file?.statSync().size;
    let written = 0;
    try {
      while (written < bytes.length) written += await this.#sink.write(bytes.subarray(written));
      return true;
    } catch (error) {
      // Takes back the part of the line that fitted on the disk, unless another program has appended to it.
      if (written > 0 && this.#file?.statSync().size === before! + written) this.#file.truncateSync(before);
      if (!(error instanceof Deno.errors.BrokenPipe)) throw outputError(error);
      this.#isClosed = true;
      return false;
    }
  }

  /** Ends a line that an earlier program left in the file. */
  #startOfLine(): string {
    if (this.#hasBegun || this.#file === undefined) return "";
    this.#hasBegun = true;
    if (this.#file.statSync().size === 0) return "";
    this.#file.seekSync(-1, Deno.SeekMode.End);
    const last = new Uint8Array(1);
    return this.#file.readSync(last) === 1 && last[0] !== lineEnd ? "\n" : "";
  }
}

/** Returns the last columns of a line without the empty ones at its end. */
export function withoutEmptyEnd(columns: readonly string[]): readonly string[] {
  return columns.slice(0, columns.findLastIndex((column) => column !== "") + 1);
}

/**
 * Opens the file that the shell redirects stdout to with `>>`; undefined for anything else, and where the system or Deno
 * does not allow it. Deno.stdout keeps the rest of a failed write and writes it later, so it cannot be taken back.
 */
function appendedFile(): Deno.FsFile | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    if (!Deno.statSync("/proc/self/fd/1").isFile) return undefined;
    const [, flags] = /^flags:\s*([0-7]+)$/m.exec(Deno.readTextFileSync("/proc/self/fdinfo/1")) ?? [];
    if ((Number.parseInt(flags, 8) & appendFlag) === 0) return undefined;
    return Deno.openSync("/proc/self/fd/1", { read: true, append: true });
  } catch {
    return undefined;
  }
}

/** O_APPEND of Linux, in fcntl.h. */
const appendFlag = 0o2000;

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
