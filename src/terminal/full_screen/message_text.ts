import { findMentions } from "../../core/messages/mentions.ts";
import type { Message } from "../../core/messages/message.ts";
import { sanitizeLine, sanitizeLines } from "../../core/sanitize.ts";
import { eventText, textStandIn } from "../text/event_text.ts";
import { clock, fileText } from "../text/transcript.ts";
import type { Palette } from "./palette.ts";
import { wrap } from "./wrap.ts";

const indent = 6;
/** Rows of one message at most; a text of 16 KiB may have thousands of lines. */
const maxRows = 400;

export interface MessageRowsOptions {
  readonly me: string;
  readonly palette: Palette;
  readonly columns: number;
  /** Default "". */
  readonly receipt?: string;
  /** Whether rows begin without an indent, for copying. Default false. */
  readonly isBare?: boolean;
}

/** The rows of a message in a pane that is `columns` wide: "14:05 12 ben: hi". Sanitizes the text of others. */
export function messageRows(
  message: Message,
  { me, palette, columns, receipt = "", isBare = false }: MessageRowsOptions,
): string[] {
  const { event, deleted, editedAt, replyTo, attachment, reactions = [], sender, seq } = message;
  const { dim } = palette;
  const shape = { columns, indent: isBare ? 0 : indent };
  const start = dim(`${clock(message.acceptedAt)} ${seq}`);
  const name = sanitizeLine(sender);
  const [first, ...rest] = sanitizeLines(eventText(message));
  if (event !== undefined) return folded([`${start} ${dim(`* ${name} ${first}`)}`, ...rest.map(dim)], shape);
  const isForMe = sender !== me && findMentions(message.text, (user) => user === me).length > 0;
  const set = isForMe ? palette.bold : message.automatic ? dim : (text: string) => text;
  const who = sender === me ? dim(`${name}:`) : palette.bold(palette.name(`${name}:`));
  const answers = replyTo === undefined ? "" : `${dim(`(to ${replyTo})`)} `;
  const mark = isForMe ? `${palette.warn("@")} ` : "";
  const standIn = textStandIn(message);
  const said = standIn === undefined ? set(first) : dim(standIn);
  const lines = [`${start} ${mark}${who} ${answers}${said}`, ...rest.map(set)];
  if (attachment !== undefined && !deleted) {
    const shown = dim(fileText(attachment, seq));
    if (message.text === "" && standIn === undefined) lines[lines.length - 1] += shown;
    else lines.push(shown);
  }
  const marks = [
    ...(editedAt !== undefined && standIn === undefined ? ["(edited)"] : []),
    ...reactions.map(({ emoji, count }) => `${sanitizeLine(emoji)} ${count}`),
    ...(receipt !== "" ? [receipt] : []),
  ];
  if (marks.length > 0) lines[lines.length - 1] += ` ${dim(marks.join("  "))}`;
  return folded(lines, shape);
}

/** The rows of a note, whose lines are safe for a terminal. */
export function noteRows(lines: readonly string[], columns: number): string[] {
  return lines.flatMap((line) => wrap(line, { columns, indent: 2 }));
}

function folded(lines: readonly string[], shape: { columns: number; indent: number }): string[] {
  const left = " ".repeat(shape.indent);
  const rows = lines.flatMap((line, i) => wrap(i === 0 ? line : left + line, shape));
  return rows.length <= maxRows ? rows : [...rows.slice(0, maxRows), `${left}…`];
}
