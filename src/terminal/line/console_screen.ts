import { displayWidth, type InputLayout, layoutInput, pinned, truncate } from "../input/input_layout.ts";
import { onCrash } from "../input/on_crash.ts";
import type { Style } from "../text/style.ts";
import type { TerminalDevice } from "../input/terminal_device.ts";

export interface InputArea {
  readonly prompt: string;
  readonly text: string;
  readonly cursor: number;
  /** Lines above the draft. */
  readonly pending: readonly string[];
}

/** Cursor movement and erasing as in ECMA-48; private modes as in xterm. */
const sequences = {
  hideCursor: "\x1b[?25l",
  showCursor: "\x1b[?25h",
  bracketedPaste: "\x1b[?2004h",
  noBracketedPaste: "\x1b[?2004l",
  /** The terminal reports its focus. Once, since tmux answers each with a report. */
  focusReports: "\x1b[?1004h",
  noFocusReports: "\x1b[?1004l",
  /** Erases this row and all below; not from the first cell on, since tmux would take that for a new screen. */
  eraseFromRow: "\r\x1b[2K\x1b[C\x1b[J\r",
  clear: "\x1b[H\x1b[2J",
  askForCursor: "\x1b[6n",
  up: (rows: number) => rows > 0 ? `\x1b[${rows}A` : "",
  right: (columns: number) => columns > 0 ? `\x1b[${columns}C` : "",
};

/** Ends all modes. */
const restored = sequences.noFocusReports + sequences.noBracketedPaste + sequences.showCursor;

/** How long to wait for a terminal to report its cursor before drawing, in milliseconds. */
const reportMs = 1_000;

/**
 * A transcript that scrolls, with an input area below it. Printing erases the area, adds the lines and draws the area
 * again, in one write; changes while the terminal is busy are drawn together.
 */
export class ConsoleScreen {
  readonly #device: TerminalDevice;
  readonly #style: Style;
  readonly #stopResize: () => void;
  readonly #stopContinue: () => void;
  readonly #forgetCrash: () => void;
  #area: InputArea = { prompt: "", text: "", cursor: 0, pending: [] };
  /** The part of the area that the terminal shows. */
  #drawn: { rows: readonly string[]; cursorRow: number; cursorColumn: number } | undefined;
  #printed: string[] = [];
  #clear = false;
  #extra = sequences.focusReports;
  #dirty = false;
  #drawing: Promise<void> | undefined;
  #closed = false;
  /** Pending after a resize, until the terminal reports its cursor: nothing is drawn. */
  #hold: PromiseWithResolvers<void> | undefined;
  #holdTimer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;
  #reportedColumn: number | undefined;
  /** Whether a shell may have written below the area that the terminal shows. */
  #wasSuspended = false;

  constructor(device: TerminalDevice, style: Style) {
    this.#device = device;
    this.#style = style;
    this.#stopResize = device.onResize(() => this.#resized());
    this.#stopContinue = device.onContinue(() => this.#continued());
    this.#forgetCrash = onCrash(() => this.#closed || device.writeNow?.(restored));
  }

  /** Adds lines to the transcript. Resolves when they are written. */
  print(lines: readonly string[]): Promise<void> {
    this.#printed.push(...lines);
    return this.#draw();
  }

  /** Changes the input area. Writes nothing when it stays as it is: a screen reader would read it again. */
  update(area: Partial<InputArea>): void {
    const before = this.#area;
    const after = { ...before, ...area };
    this.#area = after;
    const isSame = after.prompt === before.prompt && after.text === before.text && after.cursor === before.cursor &&
      after.pending.join("\n") === before.pending.join("\n");
    if (!isSame) void this.#draw();
  }

  /** Writes a sequence that shows nothing. */
  emit(sequence: string): void {
    this.#extra += sequence;
    void this.#draw();
  }

  /** Clears the terminal, with the input area at the top. */
  clear(): void {
    this.#clear = true;
    void this.#draw();
  }

  /** The terminal reported the column of its cursor. */
  cursorReported(column: number): void {
    if (this.#asked === 0 || --this.#asked > 0) return;
    this.#reportedColumn = column;
    this.#resume();
  }

  /** Erases the input area for good; the transcript stays. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopResize();
    this.#stopContinue();
    this.#forgetCrash();
    this.#resume();
    await this.#draw();
    await this.#device.write(restored);
  }

  #continued(): void {
    this.#wasSuspended = true;
    this.#resized();
  }

  /** Terminals differ in whether they reflow the cursor's row; the new column of the cursor tells. */
  #resized(): void {
    this.#asked++;
    this.#reportedColumn = undefined;
    this.#hold ??= Promise.withResolvers();
    clearTimeout(this.#holdTimer);
    this.#holdTimer = setTimeout(() => this.#resume(), reportMs);
    // A shell that this process was suspended from may have ended the reports.
    void this.#device.write(sequences.focusReports + sequences.askForCursor);
    void this.#draw();
  }

  #resume(): void {
    clearTimeout(this.#holdTimer);
    this.#asked = 0;
    this.#hold?.resolve();
    this.#hold = undefined;
  }

  #draw(): Promise<void> {
    this.#dirty = true;
    return this.#drawing ??= this.#drawWhileDirty();
  }

  async #drawWhileDirty(): Promise<void> {
    await Promise.resolve();
    while (this.#dirty) {
      await this.#hold?.promise;
      this.#dirty = false;
      await this.#device.write(this.#compose());
    }
    // In the same turn as the last check of #dirty: a later change begins another round.
    this.#drawing = undefined;
  }

  #compose(): string {
    const size = this.#device.size();
    // Nothing shows a cursor again that is hidden after the end.
    const hidden = this.#closed ? "" : sequences.hideCursor;
    let output = this.#extra + hidden + this.#erase(size.columns);
    this.#extra = "";
    if (this.#clear) output += sequences.clear;
    this.#clear = false;
    for (const line of this.#printed) output += `${line}\r\n`;
    this.#printed = [];
    if (this.#closed) return output;
    const { pending, draft } = this.#layOut(size);
    const rows = [...pending, ...draft.rows];
    const cursorRow = pending.length + draft.cursorRow;
    this.#drawn = { rows, cursorRow, cursorColumn: draft.cursorColumn };
    const [first, ...rest] = draft.rows;
    const prompt = first.slice(0, draft.promptLength);
    const prompted = this.#style.bold(prompt) + pinned(first.slice(draft.promptLength), displayWidth(prompt));
    output += [...pending.map((line) => this.#style.dim(line)), prompted, ...rest.map((row) => pinned(row))]
      .join("\r\n");
    output += sequences.up(rows.length - 1 - cursorRow) + "\r" + sequences.right(draft.cursorColumn);
    return output + sequences.showCursor + sequences.bracketedPaste;
  }

  #layOut({ columns, rows }: { columns: number; rows: number }): { pending: string[]; draft: InputLayout } {
    const { prompt, text, cursor } = this.#area;
    const pending = this.#area.pending.slice(0, Math.max(0, rows - 2)).map((line) => truncate(line, columns - 1));
    const draft = layoutInput(prompt, { text, cursor }, { columns, rows: Math.max(1, rows - pending.length) });
    return { pending, draft };
  }

  #erase(columns: number): string {
    // A shell that ran meanwhile leaves the cursor at the start of a line, which the prompt never does.
    const isElsewhere = this.#wasSuspended && this.#reportedColumn === 0;
    this.#wasSuspended = false;
    if (!this.#drawn || isElsewhere) return "";
    const { rows, cursorRow, cursorColumn } = this.#drawn;
    this.#drawn = undefined;
    // In a narrower window the terminal has reflowed the rows.
    const broken = rows.slice(0, cursorRow).reduce((sum, row) => sum + rowsTaken(displayWidth(row), columns), 0);
    const isCursorRowBroken = cursorColumn >= columns && this.#reportedColumn === cursorColumn % columns &&
      this.#reportedColumn !== columns - 1;
    this.#reportedColumn = undefined;
    return sequences.up(broken + (isCursorRowBroken ? Math.floor(cursorColumn / columns) : 0)) +
      sequences.eraseFromRow;
  }
}

function rowsTaken(cells: number, columns: number): number {
  return Math.max(1, Math.ceil(cells / columns));
}
