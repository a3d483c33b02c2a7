import { readProcessInput } from "./process_input.ts";

/** The terminal as far as an input line needs it, so that tests can play one. */
export interface TerminalDevice {
  /** Raw: no echo, and keys come one by one, Ctrl-C included. */
  setRaw(raw: boolean): void;
  /** What was typed since; undefined at the end of the input, or when `signal` aborts. */
  read(signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** Resolves when the terminal has taken it. */
  write(text: string): Promise<void>;
  size(): { columns: number; rows: number };
  /** The returned function stops it. */
  onResize(listener: () => void): () => void;
}

const utf8 = new TextEncoder();

/** The terminal that this process runs in. */
export const processDevice: TerminalDevice = {
  setRaw: (raw) => Deno.stdin.setRaw(raw),
  read: readProcessInput,
  async write(text) {
    const bytes = utf8.encode(text);
    try {
      for (let written = 0; written < bytes.length;) written += await Deno.stdout.write(bytes.subarray(written));
    } catch {
      // The terminal is gone, and the end of the input says so too.
    }
  },
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
