import type { TerminalDevice } from "../input/terminal_device.ts";
import { onCrash } from "../input/on_crash.ts";
import type { Frame, Segment } from "./frame.ts";

/**
 * Private modes as in xterm; synchronized output as in https://github.com/contour-terminal/vt-extensions, which other
 * terminals ignore.
 */
const sequences = {
  // Without wrapping, a row that is too long moves nothing else.
  enter: "\x1b[?1049h\x1b[?7l\x1b[?2004h\x1b[?1004h\x1b[2J",
  leave: "\x1b[?2026l\x1b[?1004l\x1b[?2004l\x1b[?7h\x1b[0m\x1b[?25h\x1b[?1049l",
  begin: "\x1b[?2026h\x1b[?25l",
  end: "\x1b[?25h\x1b[?2026l",
  clear: "\x1b[2J",
  at: (row: number, column: number) => `\x1b[${row + 1};${column + 1}H`,
  eraseRow: "\x1b[2K",
};

/** Time between two drawings at least, in milliseconds: 30 a second. */
const intervalMs = 33;

export interface FrameScreenOptions {
  readonly device: TerminalDevice;
  /** Composes the frame to draw now. */
  compose(size: { columns: number; rows: number }): Frame;
}

/** The whole terminal, while it is taken. Draws frames, of which it writes the rows that changed. */
export class FrameScreen {
  readonly #device: TerminalDevice;
  readonly #compose: FrameScreenOptions["compose"];
  #taken = false;
  /** The rows that the terminal shows. */
  #shown: string[] = [];
  #extra = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #drawing: Promise<void> | undefined;
  #dirty = false;
  #lastDrawn = -Infinity;
  readonly #restoreNow = () => {
    // Only once: some terminals move the cursor when a screen is given back twice.
    if (this.#taken) this.#device.writeNow?.(sequences.leave);
    this.#taken = false;
  };
  #stopResize = () => {};
  #forgetCrash = () => {};

  constructor({ device, compose }: FrameScreenOptions) {
    this.#device = device;
    this.#compose = compose;
  }

  get taken(): boolean {
    return this.#taken;
  }

  /** Takes the terminal and its alternate screen, which no one else may write to. */
  async take(): Promise<void> {
    if (this.#taken) return;
    this.#taken = true;
    this.#shown = [];
    this.#device.setRaw(true);
    this.#forgetCrash = onCrash(this.#restoreNow);
    this.#stopResize = this.#device.onResize(() => this.redraw());
    await this.#device.write(sequences.enter);
    this.invalidate();
  }

  /** Gives the terminal back as it was. */
  async release(): Promise<void> {
    if (!this.#taken) return;
    this.#taken = false;
    this.#stopResize();
    this.#forgetCrash();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#drawing;
    await this.#device.write(sequences.leave);
    this.#device.setRaw(false);
  }

  /** Draws soon, since the content changed. */
  invalidate(): void {
    this.#dirty = true;
    if (!this.#taken || this.#timer !== undefined || this.#drawing) return;
    const wait = Math.max(0, this.#lastDrawn + intervalMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#drawing = this.#draw().finally(() => {
        this.#drawing = undefined;
        if (this.#dirty) this.invalidate();
      });
    }, wait);
  }

  /** Draws all rows again. */
  redraw(): void {
    this.#shown = [];
    this.invalidate();
  }

  /** Writes a sequence that shows nothing, with the next frame. */
  emit(sequence: string): void {
    this.#extra += sequence;
    this.invalidate();
  }

  async #draw(): Promise<void> {
    this.#dirty = false;
    this.#lastDrawn = performance.now();
    const { rows, cursor } = this.#compose(this.#device.size());
    let changes = this.#shown.length === rows.length ? "" : sequences.clear;
    if (changes !== "") this.#shown = [];
    const shown = rows.map((row) => row.map(({ column, text }) => `${column}\0${text}`).join("\0"));
    rows.forEach((row, index) => {
      if (shown[index] !== (this.#shown[index] ?? "")) changes += draw(index, row);
    });
    this.#shown = shown;
    const extra = this.#extra;
    this.#extra = "";
    await this.#device.write(
      sequences.begin + changes + sequences.at(cursor.row, cursor.column) + sequences.end + extra,
    );
  }
}

function draw(index: number, row: readonly Segment[]): string {
  return sequences.at(index, 0) + sequences.eraseRow +
    row.map(({ column, text }) => (column === 0 ? "" : sequences.at(index, column)) + text).join("");
}
