import type { TerminalDevice } from "../input/terminal_device.ts";
import { truncate } from "../input/input_layout.ts";
import { onCrash } from "../input/on_crash.ts";
import type { Frame, Segment } from "./frame.ts";

/**
 * Without wrapping, a row that is too long moves nothing else. The wheel never sends arrow keys (1007, alternate
 * scroll), which would recall lines.
 */
const modes = "\x1b[?1049h\x1b[?7l\x1b[?2004h\x1b[?1004h";
const noAlternateScroll = "\x1b[?1007l";

/**
 * Private modes as in xterm; synchronized output as in https://github.com/contour-terminal/vt-extensions, which other
 * terminals ignore.
 */
const sequences = {
  // Keeps the title of the window (XTWINOPS 22), and the mode of alternate scroll (XTSAVE).
  enter: `\x1b[22;2t${modes}\x1b[?1007s${noAlternateScroll}\x1b[2J`,
  // Keeps nothing: the terminal has been the chat's before.
  enterAgain: `\x1b[0m\x1b[r${modes}${noAlternateScroll}`,
  // Alternate scroll is on by default in most terminals that have it; those that kept its mode (XTSAVE) restore it.
  leave:
    "\x1b[?2026l\x1b[?1004l\x1b[?1006l\x1b[?1000l\x1b[?1007h\x1b[?1007r\x1b[?2004l\x1b[?7h\x1b[0m\x1b[?25h\x1b[?1049l" +
    "\x1b[23;2t",
  /** Buttons and the wheel, but no movement, in reports that are text (SGR). Shift selects, as without reports. */
  mouse: "\x1b[?1000h\x1b[?1006h",
  noMouse: "\x1b[?1006l\x1b[?1000l",
  title: (text: string) => `\x1b]2;${truncate(text, maxTitle)}\x1b\\`,
  begin: "\x1b[?2026h\x1b[?25l",
  end: "\x1b[?25h\x1b[?2026l",
  clear: "\x1b[2J",
  at: (row: number, column: number) => `\x1b[${row + 1};${column + 1}H`,
  eraseRow: "\x1b[2K",
};

/** Cells of a title at most: a title of this length in ASCII is one that screen takes, too. */
const maxTitle = 100;

/** Time between two drawings at least, in milliseconds: 30 a second. */
const intervalMs = 33;

export interface FrameScreenOptions {
  readonly device: TerminalDevice;
  /** Composes the frame to draw now. */
  compose(size: { columns: number; rows: number }): Frame;
}

/**
 * The whole terminal, while it is taken. Draws frames, of which it writes the rows that changed, and nothing if none did.
 */
export class FrameScreen {
  readonly #device: TerminalDevice;
  readonly #compose: FrameScreenOptions["compose"];
  #taken = false;
  /** The rows that the terminal shows. */
  #shown: string[] = [];
  #cursor = "";
  #title = "";
  #mouse = false;
  /** Sequences to write before the next frame. */
  #before = "";
  /** Sequences to write after it. */
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
  #stopContinue = () => {};
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
    this.#title = "";
    this.#mouse = false;
    this.#device.setRaw(true);
    this.#forgetCrash = onCrash(this.#restoreNow);
    this.#stopResize = this.#device.onResize(() => this.redraw());
    this.#stopContinue = this.#device.onContinue(() => this.#takeAgain());
    await this.#device.write(sequences.enter);
    this.invalidate();
  }

  /** Gives the terminal back as it was. */
  async release(): Promise<void> {
    if (!this.#taken) return;
    this.#taken = false;
    this.#stopResize();
    this.#stopContinue();
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

  /** A shell, or a program in it, had the terminal meanwhile. */
  #takeAgain(): void {
    this.#before = sequences.enterAgain;
    this.#title = "";
    this.#mouse = false;
    this.redraw();
  }

  /** Writes a sequence that shows nothing, with the next frame. */
  emit(sequence: string): void {
    this.#extra += sequence;
    this.invalidate();
  }

  async #draw(): Promise<void> {
    this.#dirty = false;
    this.#lastDrawn = performance.now();
    const before = this.#before;
    this.#before = "";
    const { rows, cursor, title = "", mouse = false } = this.#compose(this.#device.size());
    let changes = this.#shown.length === rows.length ? "" : sequences.clear;
    if (changes !== "") this.#shown = [];
    const shown = rows.map((row) => row.map(({ column, text }) => `${column}\0${text}`).join("\0"));
    rows.forEach((row, index) => {
      if (shown[index] !== (this.#shown[index] ?? "")) changes += draw(index, row);
    });
    this.#shown = shown;
    let extra = this.#extra;
    this.#extra = "";
    if (mouse !== this.#mouse) extra += mouse ? sequences.mouse : sequences.noMouse;
    if (title !== this.#title) extra += sequences.title(title);
    this.#mouse = mouse;
    this.#title = title;
    const at = sequences.at(cursor.row, cursor.column);
    const isSame = changes === "" && at === this.#cursor;
    this.#cursor = at;
    if (!isSame) await this.#device.write(before + sequences.begin + changes + at + sequences.end + extra);
    else if (extra !== "") await this.#device.write(extra);
  }
}

function draw(index: number, row: readonly Segment[]): string {
  return sequences.at(index, 0) + sequences.eraseRow +
    row.map(({ column, text }) => (column === 0 ? "" : sequences.at(index, column)) + text).join("");
}
