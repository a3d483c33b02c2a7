import stringWidth from "string-width";
import { sanitizeLine } from "../../core/sanitize.ts";

/** The width of an input line, and the text before its first row. */
export interface InputShape {
  readonly prompt: string;
  readonly columns: number;
}

/** The shape of an input line that only newlines break. */
export const unwrapped: InputShape = { prompt: "", columns: Infinity };

export interface InputLayout {
  /** The rows of the terminal, the prompt included. */
  readonly rows: readonly string[];
  readonly cursorRow: number;
  /** Cells left of the cursor. */
  readonly cursorColumn: number;
  /** Length of the prompt in the first row, in UTF-16 units; 0 when it is scrolled away. */
  readonly promptLength: number;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

const printableAscii = /^[ -~]$/;
const printableAsciiRow = /^[ -~]*$/;

/** Cells that `text` takes; it must be one line without control characters. */
export function displayWidth(text: string): number {
  return stringWidth(text);
}

/** Cuts `text` to `columns` cells, with "…" at the end. */
export function truncate(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let kept = "";
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width += displayWidth(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return columns < 1 ? "" : `${kept}…`;
}

/** A place that the cursor can be in. */
interface Place {
  /** In UTF-16 units of the draft. */
  readonly index: number;
  readonly row: number;
  readonly column: number;
}

/** Breaks a draft into rows, and finds the place of each of its characters and of its end. */
function breakInput(
  text: string,
  { prompt, columns }: InputShape,
): { rows: string[]; places: Place[]; promptLength: number } {
  const width = Math.max(4, columns - 1);
  const rows = [truncate(prompt, Math.floor(width * 0.75))];
  const promptLength = rows[0].length;
  const places: Place[] = [];
  let column = displayWidth(rows[0]);
  const breakRow = () => {
    rows.push("");
    column = 0;
  };
  for (const { segment, index } of graphemes.segment(text)) {
    const isPlain = printableAscii.test(segment);
    const shown = isPlain ? segment : segment === "\n" ? "" : sanitizeLine(segment);
    const cells = isPlain ? 1 : displayWidth(shown);
    if (column + cells > width) breakRow();
    places.push({ index, row: rows.length - 1, column });
    if (segment === "\n") breakRow();
    rows[rows.length - 1] += shown;
    column += cells;
  }
  if (column >= width) breakRow();
  places.push({ index: text.length, row: rows.length - 1, column });
  return { rows, places, promptLength };
}

/**
 * Lays out a draft in rows, broken between characters. No row reaches the last column, where terminals differ; a newline
 * begins a row.
 */
export function layoutInput(
  prompt: string,
  draft: { text: string; cursor: number },
  { columns, rows: maxRows }: { columns: number; rows: number },
): InputLayout {
  const { rows, places, promptLength } = breakInput(draft.text, { prompt, columns });
  const cursor = places.find(({ index }) => index >= draft.cursor)!;
  // After a full row, the end of the draft has a row only for the cursor.
  if (cursor !== places.at(-1) && rows.at(-1) === "" && !draft.text.endsWith("\n")) rows.pop();
  const first = Math.max(0, Math.min(cursor.row - maxRows + 1, rows.length - maxRows));
  return {
    rows: rows.slice(first, first + maxRows),
    cursorRow: cursor.row - first,
    cursorColumn: cursor.column,
    promptLength: first === 0 ? promptLength : 0,
  };
}

/**
 * Finds the cursor's place in the row above or below, in the nearest column.
 * @param options.column the column to keep to; that of the cursor by default
 * @returns the new cursor and the column to keep to; undefined when there is no such row
 */
export function cursorInNextRow(
  { text, cursor }: { text: string; cursor: number },
  { step, column, ...shape }: { step: -1 | 1; column: number | undefined } & InputShape,
): { cursor: number; column: number } | undefined {
  const { places } = breakInput(text, shape);
  const from = places.find(({ index }) => index >= cursor)!;
  const kept = column ?? from.column;
  const row = places.filter((place) => place.row === from.row + step);
  const to = row.findLast((place) => place.column <= kept) ?? row.at(0);
  return to && { cursor: to.index, column: kept };
}

/** Characters that terminals measure alike: one code point that is no emoji. */
const measuredAlike = /^(?:[ -~]|(?!\p{Extended_Pictographic}|\p{Regional_Indicator}).)$/u;

/**
 * Keeps a row of an input line in place where the terminal measures a character differently, as most do for some emoji:
 * the text after such a character begins in the column that it has by {@link displayWidth}.
 * @param start the column of the row's first cell
 */
export function pinned(row: string, start = 0): string {
  if (printableAsciiRow.test(row)) return row;
  let pinnedRow = "";
  let column = start;
  for (const { segment } of graphemes.segment(row)) {
    pinnedRow += segment;
    column += displayWidth(segment);
    // CHA and EL (ECMA-48 8.3.9, 8.3.41): the terminal erases its drawing beyond the cells of the character.
    if (!measuredAlike.test(segment)) pinnedRow += `\x1b[${column + 1}G\x1b[K`;
  }
  return pinnedRow;
}
