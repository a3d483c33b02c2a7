import { fstatSync, ftruncateSync, writeSync } from "node:fs";

/** The file descriptor of stdout. */
const stdout = 1;
/** O_APPEND of Linux, in fcntl.h. */
const appendFlag = 0o2000;
const lineEnd = 10;

/**
 * The file that a shell redirects stdout to with `>>`. It writes to the descriptor at a position (pwrite(2)), which Linux
 * ignores for such a file: without a position, Deno keeps the rest of a failed write and writes it later, so it could not
 * be taken back.
 */
export class AppendedStdout {
  /** Undefined where Deno does not tell: the first write shows it. */
  #isAppended: boolean | undefined;

  private constructor(isAppended: boolean | undefined) {
    this.#isAppended = isAppended;
  }

  /** Returns the file; undefined if stdout is known to be anything else. */
  static open(): AppendedStdout | undefined {
    if (Deno.build.os !== "linux" || !isFile()) return undefined;
    const isAppended = hasAppendFlag();
    return isAppended === false ? undefined : new AppendedStdout(isAppended);
  }

  /** Whether the file is known to end within a line, which an earlier program has left. */
  get endsInLine(): boolean {
    if (!this.#isAppended || fstatSync(stdout).size === 0) return false;
    try {
      using file = Deno.openSync("/proc/self/fd/1", { read: true });
      file.seekSync(-1, Deno.SeekMode.End);
      const last = new Uint8Array(1);
      return file.readSync(last) === 1 && last[0] !== lineEnd;
    } catch {
      return false;
    }
  }

  /**
   * Appends all bytes or, if the system refuses it, none.
   * @returns false, with nothing written, if stdout turns out to be opened with `>`
   */
  append(bytes: Uint8Array): boolean {
    const before = fstatSync(stdout).size;
    // A file that is not appended to gets the gap, and is known by it.
    const gap = this.#isAppended ? 0 : 1;
    try {
      for (let written = 0; written < bytes.length;) {
        written += writeSync(stdout, bytes, written, bytes.length - written, before + gap + written);
      }
    } catch (error) {
      takeBack(before, bytes.length + gap);
      throw error;
    }
    // Another program may have appended to the file, too.
    this.#isAppended ??= fstatSync(stdout).size !== before + gap + bytes.length;
    if (!this.#isAppended) takeBack(before, bytes.length + gap);
    return this.#isAppended;
  }
}

function isFile(): boolean {
  try {
    return fstatSync(stdout).isFile();
  } catch {
    return false;
  }
}

/** Whether stdout was opened for appending; undefined where Deno or the system does not tell. */
function hasAppendFlag(): boolean | undefined {
  try {
    const [, flags] = /^flags:\s*([0-7]+)$/m.exec(Deno.readTextFileSync("/proc/self/fdinfo/1")) ?? [];
    return flags === undefined ? undefined : (Number.parseInt(flags, 8) & appendFlag) !== 0;
  } catch {
    return undefined;
  }
}

/** Removes up to `most` bytes that were written after `before`; with more, another program has appended to the file. */
function takeBack(before: number, most: number): void {
  const { size } = fstatSync(stdout);
  if (size > before && size - before <= most) ftruncateSync(stdout, before);
}
