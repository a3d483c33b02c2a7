import process from "node:process";
import { readProcessInput } from "./process_input.ts";

/** A terminal, as far as a chat uses it. */
export interface TerminalDevice {
  /** Turns raw mode on or off: no echo, and keys arrive one by one, Ctrl-C included. */
  setRaw(raw: boolean): void;
  /** Reads the next input; undefined at its end, or when `signal` aborts. */
  read(signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** Resolves when the terminal has the text. */
  write(text: string): Promise<void>;
  /** Like `write`, for a process that ends now. */
  writeNow?(text: string): void;
  /**
   * Suspends this process and its job, as Ctrl-Z does, and resolves with true when it continues, or with false at once
   * when Deno does not permit it. Absent where the system has no job control.
   */
  suspend?(): Promise<boolean>;
  size(): { columns: number; rows: number };
  /** Calls the listener when the terminal has another size. @returns a function that removes the listener */
  onResize(listener: () => void): () => void;
  /**
   * Calls the listener when this process continues after something else than {@link suspend} suspended it: the terminal
   * may show something else, and may have left the modes of this process.
   * @returns a function that removes the listener
   */
  onContinue(listener: () => void): () => void;
}

const utf8 = new TextEncoder();

/**
 * How long to wait for a write in another thread when this process ends, in milliseconds: the last text has to come
 * after it.
 */
const settleMs = 100;
let writing = 0;

/** The terminal of this process. */
export const processDevice: TerminalDevice = {
  setRaw(raw) {
    setMode(raw);
    if (Deno.build.os === "windows") return;
    Deno.removeSignalListener("SIGCONT", makeRawAgain);
    if (raw) Deno.addSignalListener("SIGCONT", makeRawAgain);
  },
  read: readProcessInput,
  async write(text) {
    const bytes = utf8.encode(text);
    writing++;
    try {
      for (let written = 0; written < bytes.length;) written += await Deno.stdout.write(bytes.subarray(written));
    } catch {
      // The terminal is gone; the end of the input tells the reader.
    } finally {
      writing--;
    }
  },
  writeNow(text) {
    // This thread blocks, so it cannot hear when the other one is done.
    if (writing > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, settleMs);
    try {
      setMode(false);
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
  onResize: (listener) => onSignal("SIGWINCH", listener),
  onContinue: (listener) => onSignal("SIGCONT", listener),
};

function onSignal(signal: Deno.Signal, listener: () => void): () => void {
  if (Deno.build.os === "windows") return () => {};
  Deno.addSignalListener(signal, listener);
  return () => Deno.removeSignalListener(signal, listener);
}

/** A shell that suspends this process, as after `kill -STOP`, gives the terminal back in a mode that echoes secrets. */
function makeRawAgain(): void {
  setMode(true);
}

function setMode(raw: boolean): void {
  try {
    Deno.stdin.setRaw(raw);
  } catch {
    // The terminal is gone; the end of the input tells the reader.
  }
}

/**
 * How long the system may take to suspend this process, in milliseconds of the process's own time. A process without a
 * shell to continue it is never suspended.
 */
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
 * Suspends the whole job, as the terminal does: a process that waits for this one would hold the shell. Queries the
 * permission first, since Deno would otherwise prompt. @returns false when it is not permitted
 */
function stopJob(): boolean {
  const isGranted = (command?: string) =>
    Deno.permissions.querySync({ name: "run", ...(command !== undefined && { command }) }).state === "granted";
  if (isGranted()) {
    process.kill(0, "SIGTSTP");
    return true;
  }
  // Deno needs full --allow-run to signal other processes; the permission for the program `kill` is enough to run it.
  if (!isGranted("kill")) return false;
  new Deno.Command("kill", { args: ["-s", "TSTP", "0"], stdin: "null", stdout: "null", stderr: "null" }).spawn()
    .unref();
  return true;
}
