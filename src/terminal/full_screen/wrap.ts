import { displayWidth } from "../input/input_layout.ts";

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
// deno-lint-ignore no-control-regex -- the sequences of our own styles and links
const token = /(\x1b\[[\d;]*m|\x1b\]8;[!-~]*\x1b\\)|[^\x1b]+/g;
const linkEnd = "\x1b]8;;\x1b\\";
/** The codes that end styles, by those that begin them (ECMA-48 8.3.117, SGR); 39 ends all others, the colours. */
const endCodes: Readonly<Record<string, string>> = { 1: "22", 2: "22", 3: "23", 4: "24", 7: "27", 9: "29" };
const ends = new Set([linkEnd, ...[...Object.values(endCodes), "39"].map((code) => `\x1b[${code}m`)]);
const printableAscii = /^[ -~]*$/;

/** The sequence that ends the style or link of another one. */
function endOf(sequence: string): string {
  if (sequence.startsWith("\x1b]")) return linkEnd;
  return `\x1b[${endCodes[sequence.slice(2, -1)] ?? "39"}m`;
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
  /** Begins all rows but the first, where it takes less than half of them; may have styles, and ends them. */
  readonly continuation?: string;
}

/**
 * Breaks a line of harmless text with styles and links into rows, between words where that is possible. Each row begins
 * and ends without a style and can be drawn alone.
 */
export function wrap(line: string, { columns, continuation = "" }: WrapOptions): string[] {
  const wanted = displayWidth(continuation.replace(token, (all, sequence) => sequence === undefined ? all : ""));
  const [left, leftWidth] = wanted < columns / 2 ? [continuation, wanted] : ["", 0];
  const rows: string[] = [];
  let styles: string[] = [];
  let row: Row = { text: "", width: 0, breakAt: undefined };

  const close = (open: readonly string[]) => open.map(endOf).join("");
  const breakRow = () => {
    const { breakAt } = row;
    const rest = breakAt ? row.text.slice(breakAt.text) : "";
    const kept = breakAt ? row.text.slice(0, breakAt.text) : row.text;
    const at = breakAt?.styles ?? styles;
    rows.push(kept + close(at));
    row = {
      text: left + at.join("") + rest,
      width: leftWidth + (breakAt ? row.width - breakAt.width : 0),
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
    if (text === " " && row.width > leftWidth + 1) {
      row.breakAt = { text: row.text.length, width: row.width, styles: [...styles] };
    }
  };

  for (const [all, sequence] of line.matchAll(token)) {
    if (sequence !== undefined) {
      styles = ends.has(sequence) ? styles.filter((each) => endOf(each) !== sequence) : [...styles, sequence];
      row.text += sequence;
    } else if (printableAscii.test(all)) {
      for (const character of all) add(character, 1);
    } else {
      for (const { segment } of graphemes.segment(all)) add(segment, displayWidth(segment));
    }
  }
  rows.push(row.text + close(styles));
  return rows;
}
