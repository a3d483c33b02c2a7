import { displayWidth } from "../input/input_layout.ts";

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
// deno-lint-ignore no-control-regex -- the sequences of our own styles
const token = /\x1b\[([\d;]*)m|[^\x1b]+/g;
const printableAscii = /^[ -~]*$/;

/** The code that ends a style, by the code that begins it (ECMA-48 8.3.117, SGR). */
function endOf(code: string): string {
  if (code === "1" || code === "2") return "22";
  return code === "7" ? "27" : "39";
}

/** A row that is being filled. */
interface Row {
  text: string;
  width: number;
  /** The place to break the row: after the last space. */
  breakAt: { text: number; width: number; styles: string[] } | undefined;
}

export interface WrapOptions {
  /** Cells of a row, at least 1. */
  readonly columns: number;
  /** Cells to leave free at the start of all rows but the first. */
  readonly indent?: number;
}

/**
 * Breaks a line of harmless text with styles into rows, between words where that is possible. Each row begins and ends
 * without a style and can be drawn alone.
 */
export function wrap(line: string, { columns, indent = 0 }: WrapOptions): string[] {
  const left = " ".repeat(indent < columns / 2 ? indent : 0);
  const rows: string[] = [];
  let styles: string[] = [];
  let row: Row = { text: "", width: 0, breakAt: undefined };

  const close = (open: readonly string[]) => open.map((code) => `\x1b[${endOf(code)}m`).join("");
  const open = (codes: readonly string[]) => codes.map((code) => `\x1b[${code}m`).join("");
  const breakRow = () => {
    const { breakAt } = row;
    const rest = breakAt ? row.text.slice(breakAt.text) : "";
    const kept = breakAt ? row.text.slice(0, breakAt.text) : row.text;
    const at = breakAt?.styles ?? styles;
    rows.push(kept + close(at));
    row = {
      text: left + open(at) + rest,
      width: left.length + (breakAt ? row.width - breakAt.width : 0),
      breakAt: undefined,
    };
  };
  const add = (text: string, width: number) => {
    if (row.width + width > columns && text === " ") {
      // A space at the end of a row is invisible: the row ends here.
      row.breakAt = undefined;
      return breakRow();
    }
    if (row.width + width > columns) breakRow();
    // The part that was carried over may still be too long.
    if (row.width + width > columns) breakRow();
    row.text += text;
    row.width += width;
    if (text === " " && row.width > left.length + 1) {
      row.breakAt = { text: row.text.length, width: row.width, styles: [...styles] };
    }
  };

  for (const [all, code] of line.matchAll(token)) {
    if (code !== undefined) {
      const ending = styles.filter((each) => endOf(each) === code);
      styles = ending.length > 0 || /^(2[27]|39)$/.test(code)
        ? styles.filter((each) => endOf(each) !== code)
        : [...styles, code];
      row.text += all;
    } else if (printableAscii.test(all)) {
      for (const character of all) add(character, 1);
    } else {
      for (const { segment } of graphemes.segment(all)) add(segment, displayWidth(segment));
    }
  }
  rows.push(row.text + close(styles));
  return rows;
}
