import process from "node:process";
import { readProcessInput } from "./process_input.ts";

/** The terminal as far as an input line needs it, so that tests can play one. */
export interface TerminalDevice {
  /** Raw: no echo, and keys come one by one, Ctrl-C included. */
  setRaw(raw: boolean): void;
  /** What was typed since; undefined at the end of the input, or when `signal` aborts. */
  read(signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** Resolves when the terminal has taken it. */
  write(text: string): Promise<void>;
  /** Like `write`, for a process that ends now. */
  writeNow?(text: string): void;
  /**
   * Stops this process and those with it, as Ctrl-Z does, and resolves when it goes on: with false at once when Deno does not
   * permit it. Absent where there is no such thing.
   */
  suspend?(): Promise<boolean>;
  size(): { columns: number; rows: number };
  /** The returned function stops it. */
  onResize(listener: () => void): () => void;
}

const utf8 = new TextEncoder();

/** How long a write in another thread may go on when this process ends, in milliseconds; what is written now has to come after it. */
const settleMs = 100;
let writing = 0;

/** The terminal that this process runs in. */
export const processDevice: TerminalDevice = {
  setRaw: (raw) => Deno.stdin.setRaw(raw),
  read: readProcessInput,
  async write(text) {
    const bytes = utf8.encode(text);
    writing++;
    try {
      for (let written = 0; written < bytes.length;) written += await Deno.stdout.write(bytes.subarray(written));
    } catch {
      // The terminal is gone, and the end of the input says so too.
    } finally {
      writing--;
    }
  },
  writeNow(text) {
    // This thread stands still, so it does not hear when the other one is done.
    if (writing > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, settleMs);
    try {
      Deno.stdin.setRaw(false);
      Deno.stdout.writeSync(utf8.encode(text));
    } catch {
      // The terminal is gone.
    }
  },
  suspend: Deno.build.os === "windows" ? undefined : suspend,
  size() {
    try {
      const { columns, rows } = Deno.consoleSize();
      return { columns: columns || 80, rows: rows || 24 };
    } catch {
      return { columns: 80, rows: 24 };
    }
  },
  onResize(listener) {
    if (Deno.build.os === "windows") return () => {};
    Deno.addSignalListener("SIGWINCH", listener);
    return () => Deno.removeSignalListener("SIGWINCH", listener);
  },
};

/** How long the system may take to stop this process, in milliseconds of its own time; where nobody could let it go on, it never does. */
const stopMs = 300;

async function suspend(): Promise<boolean> {
  const goesOn = Promise.withResolvers<void>();
  Deno.addSignalListener("SIGCONT", goesOn.resolve);
  try {
    if (!stopJob()) return false;
    const timer = setTimeout(goesOn.resolve, stopMs);
    await goesOn.promise;
    clearTimeout(timer);
    return true;
  } finally {
    Deno.removeSignalListener("SIGCONT", goesOn.resolve);
  }
}

/**
 * The whole job, as the terminal does it: one that goes on waiting for this process would hold the shell. Asked first, because Deno may ask the
 * person otherwise. @returns false when it is not permitted
 */
function stopJob(): boolean {
  const isGranted = (command?: string) =>
    Deno.permissions.querySync({ name: "run", ...(command !== undefined && { command }) }).state === "granted";
  if (isGranted()) {
    process.kill(0, "SIGTSTP");
    return true;
  }
  // Deno signals others with all of --allow-run only; the program that does just that can be named.
  if (!isGranted("kill")) return false;
  new Deno.Command("kill", { args: ["-s", "TSTP", "0"], stdin: "null", stdout: "null", stderr: "null" }).spawn()
    .unref();
  return true;
}
