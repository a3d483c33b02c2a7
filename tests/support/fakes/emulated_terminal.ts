import xterm from "@xterm/headless";
import type { TerminalDevice } from "../../../src/terminal/input/terminal_device.ts";

const utf8 = new TextEncoder();
const windowOptions = { pushTitle: true, popTitle: true };

/** A terminal emulator to draw on, with a keyboard that a test plays. */
export class EmulatedTerminal implements TerminalDevice, Disposable {
  raw = false;
  /** How often the bell rang. */
  bells = 0;
  /** The title of its window. */
  title = "";
  /** How many times something was written. */
  writes = 0;
  /** Everything that was written. */
  written = "";
  readonly #terminal: xterm.Terminal;
  readonly #typed: Uint8Array[] = [];
  readonly #resizeListeners = new Set<() => void>();
  readonly #continueListeners = new Set<() => void>();
  #wake = Promise.withResolvers<void>();
  #ended = false;

  constructor({ columns, rows }: { columns: number; rows: number }) {
    this.#terminal = new xterm.Terminal({
      cols: columns,
      rows,
      scrollback: 5_000,
      allowProposedApi: true,
      windowOptions,
    });
    this.#terminal.onData((answer) => this.type(answer));
    this.#terminal.onBell(() => this.bells++);
    this.#terminal.onTitleChange((title) => this.title = title);
  }

  /** Everything that scrolled by and is seen, without what is empty at the end. */
  get lines(): string[] {
    const { active } = this.#terminal.buffer;
    const lines = Array.from({ length: active.length }, (_, i) => active.getLine(i)!.translateToString(true));
    while (lines.at(-1) === "") lines.pop();
    return lines;
  }

  /** Everything that is seen without scrolling back. */
  get screen(): string[] {
    const { active } = this.#terminal.buffer;
    return this.lines.slice(active.baseY);
  }

  /** The cell that the cursor is in, counted like `lines`. */
  get cursor(): { row: number; column: number } {
    const { active } = this.#terminal.buffer;
    return { row: active.baseY + active.cursorY, column: active.cursorX };
  }

  /** The first cell of the last row that is seen with this character; -1 when there is none. */
  columnOf(character: string): number {
    const { active } = this.#terminal.buffer;
    const line = active.getLine(this.lines.length - 1)!;
    return Array.from({ length: line.length }, (_, cell) => line.getCell(cell)!.getChars()).lastIndexOf(character);
  }

  /** Whether it reports the mouse. */
  get reportsMouse(): boolean {
    return this.#terminal.modes.mouseTrackingMode !== "none";
  }

  /** Whether it would report that it got or lost the focus. */
  get reportsFocus(): boolean {
    return this.#terminal.modes.sendFocusMode;
  }

  type(text: string): void {
    this.#typed.push(utf8.encode(text));
    this.#wake.resolve();
  }

  hangUp(): void {
    this.#ended = true;
    this.#wake.resolve();
  }

  resize(columns: number, rows: number): void {
    this.#terminal.resize(columns, rows);
    for (const listener of this.#resizeListeners) listener();
  }

  setRaw(raw: boolean): void {
    this.raw = raw;
  }

  async read(signal: AbortSignal): Promise<Uint8Array | undefined> {
    const abort = () => this.#wake.resolve();
    signal.addEventListener("abort", abort);
    while (this.#typed.length === 0 && !this.#ended && !signal.aborted) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
    signal.removeEventListener("abort", abort);
    return signal.aborted ? undefined : this.#typed.shift();
  }

  write(text: string): Promise<void> {
    this.writes++;
    // As the line discipline does while it is not raw.
    this.written += text;
    const output = this.raw ? text : text.replace(/\r?\n/g, "\r\n");
    return new Promise((resolve) => this.#terminal.write(output, resolve));
  }

  size(): { columns: number; rows: number } {
    return { columns: this.#terminal.cols, rows: this.#terminal.rows };
  }

  onResize(listener: () => void): () => void {
    this.#resizeListeners.add(listener);
    return () => this.#resizeListeners.delete(listener);
  }

  onContinue(listener: () => void): () => void {
    this.#continueListeners.add(listener);
    return () => this.#continueListeners.delete(listener);
  }

  /** Plays a shell that has the terminal while the program is suspended, writes something, and continues it. */
  async continueAfter(shell: string): Promise<void> {
    await this.write(shell);
    for (const listener of this.#continueListeners) listener();
  }

  /** Whether it shows its second screen, which has no lines above it. */
  get isAlternate(): boolean {
    return this.#terminal.buffer.active.type === "alternate";
  }

  [Symbol.dispose](): void {
    this.#terminal.dispose();
  }
}
