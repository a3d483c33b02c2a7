import { displayWidth, layoutInput, pinned, truncate } from "../input/input_layout.ts";
import type { PresenceState } from "../../core/people/notice.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import type { Frame, Segment } from "./frame.ts";
import type { PaneSize } from "./message_pane.ts";
import type { Palette } from "./palette.ts";

/** One row of the list of conversations. */
export interface ListRow {
  /** The name, and after it the display name, which is cut first. Safe for a terminal. */
  readonly label: string;
  readonly unread: number;
  readonly mentions: number;
  readonly isFocused: boolean;
  /** The presence of the other person; "offline" for a room. */
  readonly presence: PresenceState;
  readonly isInvitation: boolean;
}

/** The content of the screen, before layout. Texts are safe for a terminal, and without styles. */
export interface ScreenContent {
  readonly list: readonly ListRow[];
  /** The title above the messages. */
  readonly title: string;
  /** Rows of the messages' pane, styled. */
  readonly messages: readonly string[];
  /** Messages and files on their way. */
  readonly pending: readonly string[];
  readonly status: { readonly left: string; readonly right: string };
  readonly hint: string;
  readonly prompt: string;
  readonly text: string;
  readonly cursor: number;
}

interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** The layout of the screen. */
export interface ScreenLayout {
  /** 0 when the screen is too narrow for the list. */
  readonly listColumns: number;
  readonly pane: PaneSize;
  /** Rows of the input line, its hint and the pending lines. */
  readonly inputRows: number;
}

const separator = "│";
const presenceMarks: Readonly<Record<PresenceState, string>> = { offline: " ", online: "•", away: "◦" };

/** Lays out a screen whose input takes `belowRows` rows. @param options.isBare whether the messages stand alone */
export function layOut(
  { columns, rows }: Size,
  { belowRows, isBare }: { belowRows: number; isBare: boolean },
): ScreenLayout {
  const listColumns = isBare || columns < 60 ? 0 : Math.min(30, Math.floor(columns / 4));
  const paneColumns = listColumns === 0 ? columns : columns - listColumns - 2;
  // The title and the status bar have a row each.
  return {
    listColumns,
    pane: { columns: Math.max(1, paneColumns), rows: Math.max(1, rows - belowRows - 2) },
    inputRows: belowRows,
  };
}

/** Rows of the draft at most; a longer draft scrolls. */
function maxDraftRows(rows: number): number {
  return Math.max(1, Math.min(10, Math.floor(rows / 3)));
}

/** Lays out the rows below the status bar. */
export function layOutInput(
  { pending, hint, prompt, text, cursor }: Pick<ScreenContent, "pending" | "hint" | "prompt" | "text" | "cursor">,
  { columns, rows }: Size,
  palette: Palette,
): { rows: string[]; cursor: { row: number; column: number } } {
  const draft = layoutInput(prompt, { text, cursor }, { columns, rows: maxDraftRows(rows) });
  const above = [
    ...pending.slice(0, Math.max(0, Math.floor(rows / 4) - 1)),
    ...(hint === "" ? [] : [` ${sanitizeLine(hint)}`]),
  ].map((line) => palette.dim(truncate(line, columns - 1)));
  const [first, ...rest] = draft.rows;
  const shownPrompt = first.slice(0, draft.promptLength);
  const prompted = palette.bold(shownPrompt) + pinned(first.slice(draft.promptLength), displayWidth(shownPrompt));
  return {
    rows: [...above, prompted, ...rest.map((row) => pinned(row))],
    cursor: { row: above.length + draft.cursorRow, column: draft.cursorColumn },
  };
}

export function compose(
  content: ScreenContent,
  { size, layout, palette }: { size: Size; layout: ScreenLayout; palette: Palette },
): Pick<Frame, "rows" | "cursor"> {
  const { listColumns, pane } = layout;
  const left = listColumns === 0 ? 0 : listColumns + 2;
  const input = layOutInput(content, size, palette);
  const list = listColumns === 0 ? [] : listRows(content.list, { columns: listColumns, rows: pane.rows + 1, palette });
  const empty = pane.rows - content.messages.length;
  const main = Array.from({ length: pane.rows + 1 }, (_, row): Segment[] => {
    const text = row === 0
      ? palette.bold(truncate(content.title, pane.columns))
      : content.messages[row - 1 - Math.max(0, empty)] ?? "";
    const message = { column: left, text };
    if (left === 0) return [message];
    return [{ column: 0, text: list[row] ?? "" }, { column: listColumns, text: palette.dim(separator) }, message];
  });
  const rows = [...main, [{ column: 0, text: palette.bar(bar(content.status, size.columns)) }]];
  const cursorRow = rows.length + input.cursor.row;
  rows.push(...input.rows.map((text) => [{ column: 0, text }]));
  // The input is the last to go where there is no room for all.
  const hidden = Math.max(0, rows.length - size.rows);
  return {
    rows: Array.from({ length: size.rows }, (_, row) => rows[hidden + row] ?? []),
    cursor: {
      row: Math.min(cursorRow - hidden, size.rows - 1),
      column: Math.min(input.cursor.column, size.columns - 1),
    },
  };
}

function listRows(
  list: readonly ListRow[],
  { columns, rows, palette }: { columns: number; rows: number; palette: Palette },
): string[] {
  const focused = list.findIndex(({ isFocused }) => isFocused);
  const first = Math.max(0, Math.min(focused - rows + 1, list.length - rows));
  return list.slice(first, first + rows).map((row, i) => listRow(row, { number: first + i + 1, columns, palette }));
}

function listRow(
  { label, unread, mentions, isFocused, presence, isInvitation }: ListRow,
  { number, columns, palette }: { number: number; columns: number; palette: Palette },
): string {
  const count = unread === 0 ? "" : unread > 999 ? "999+" : `${unread}`;
  const marks = isInvitation ? "invited" : `${mentions > 0 ? "@" : ""}${count}`;
  const start = `${isFocused ? ">" : " "}${number < 10 ? number : " "}${presenceMarks[presence]}`;
  const name = truncate(label, columns - displayWidth(start) - marks.length - 1);
  const gap = " ".repeat(Math.max(1, columns - displayWidth(start) - displayWidth(name) - marks.length));
  const styledName = isFocused || unread > 0 ? palette.bold(name) : name;
  return palette.dim(start) + styledName + gap + (mentions > 0 || isInvitation ? palette.warn(marks) : marks);
}

function bar({ left, right }: { left: string; right: string }, columns: number): string {
  const end = truncate(right, columns);
  const start = truncate(left, Math.max(0, columns - displayWidth(end) - 1));
  return start + " ".repeat(Math.max(0, columns - displayWidth(start) - displayWidth(end))) + end;
}
