import stringWidth from "string-width";
import { sanitizeLine } from "../../core/sanitize.ts";

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

/**
 * Breaks a draft into rows, between characters. No row reaches the last column, where terminals differ; a newline
 * begins a row.
 */
export function layoutInput(
  prompt: string,
  draft: { text: string; cursor: number },
  { columns, rows: maxRows }: { columns: number; rows: number },
): InputLayout {
  const width = Math.max(4, columns - 1);
  const rows = [truncate(prompt, Math.floor(width * 0.75))];
  const promptLength = rows[0].length;
  let column = displayWidth(rows[0]);
  let cursor: { row: number; column: number } | undefined;
  const breakRow = () => {
    rows.push("");
    column = 0;
  };
  for (const { segment, index } of graphemes.segment(draft.text)) {
    const isPlain = printableAscii.test(segment);
    const shown = isPlain ? segment : segment === "\n" ? "" : sanitizeLine(segment);
    const cells = isPlain ? 1 : displayWidth(shown);
    if (column + cells > width) breakRow();
    if (index >= draft.cursor) cursor ??= { row: rows.length - 1, column };
    if (segment === "\n") breakRow();
    rows[rows.length - 1] += shown;
    column += cells;
  }
  // The cursor after the last cell needs a cell of its own.
  if (!cursor && column >= width) breakRow();
  cursor ??= { row: rows.length - 1, column };
  const first = Math.max(0, Math.min(cursor.row - maxRows + 1, rows.length - maxRows));
  return {
    rows: rows.slice(first, first + maxRows),
    cursorRow: cursor.row - first,
    cursorColumn: cursor.column,
    promptLength: first === 0 ? promptLength : 0,
  };
}
