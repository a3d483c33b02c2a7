import type { Message } from "../../core/messages/message.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { eventText, textStandIn } from "../text/event_text.ts";
import { type FormattedLine, formatText } from "../text/markdown.ts";
import { clock } from "../text/local_clock.ts";
import { fileText, maxQuoted } from "../text/transcript.ts";
import type { Palette } from "./palette.ts";
import { truncate } from "../input/input_layout.ts";
import { wrap } from "./wrap.ts";

const indent = " ".repeat(6);
/** Rows of one message at most; a text of 16 KiB may have thousands of lines. */
const maxRows = 400;

export interface MessageRowsOptions {
  readonly me: string;
  readonly palette: Palette;
  readonly columns: number;
  /** Whether marks such as `**` become styles. */
  readonly markdown: boolean;
  /** "" for none. */
  readonly receipt?: string;
  /** The message that a reply answers, safe for a terminal; "" for none. */
  readonly answers?: string;
  /** A line of the message that an entry pins, likewise. */
  readonly quote?: string;
  /** Whether rows begin without an indent, for copying. Default false. */
  readonly isBare?: boolean;
  /** Whether the person went to this message. */
  readonly isPointedOut?: boolean;
}

/** The rows of a message in a pane that is `columns` wide: "14:05 12 ben: hi". Sanitizes the text of others. */
export function messageRows(
  message: Message,
  options: MessageRowsOptions,
): string[] {
  const { me, palette, columns, markdown, receipt = "", answers = "", isPointedOut = false, isBare = false } = options;
  const quote = truncate(options.quote ?? "", maxQuoted);
  const { event, deleted, editedAt, replyTo, attachment, pinned, reactions = [], sender, seq } = message;
  const { dim } = palette;
  const shape = { columns, left: isBare ? "" : indent };
  const start = (isPointedOut ? palette.bar : dim)(`${clock(message.acceptedAt)} ${seq}`);
  const name = sanitizeLine(sender);
  if (event !== undefined) {
    const [first, ...rest] = formatText(eventText(message, { quote }), { style: palette, markdown: false, base: dim });
    return folded([{ ...first, text: `${start} ${dim(`* ${name} `)}${first.text}` }, ...rest], shape);
  }
  const isForMe = message.naming !== undefined;
  const set = isForMe ? palette.bold : message.automatic ? dim : (text: string) => text;
  const who = sender === me ? dim(`${name}:`) : palette.bold(palette.name(`${name}:`));
  const to = replyTo === undefined ? "" : `${dim(`(to ${replyTo})`)} `;
  const mark = isForMe ? `${palette.warn("@")} ` : "";
  const standIn = textStandIn(message);
  const [first, ...rest] = standIn === undefined
    ? formatText(message.text, { style: palette, markdown, base: set })
    : [{ text: dim(standIn), continuation: "" }];
  const lines = [{ ...first, text: `${start} ${mark}${who} ${to}${first.text}` }, ...rest];
  if (attachment !== undefined && !deleted) {
    const shown = dim(fileText(attachment, seq));
    if (message.text === "" && standIn === undefined) append(lines, shown);
    else lines.push({ text: shown, continuation: "" });
  }
  const marks = [
    ...(pinned ? ["(pinned)"] : []),
    ...(editedAt !== undefined && standIn === undefined ? ["(edited)"] : []),
    ...reactions.map(({ emoji, count }) => `${sanitizeLine(emoji)} ${count}`),
    ...(receipt !== "" ? [receipt] : []),
  ];
  if (marks.length > 0) append(lines, ` ${dim(marks.join("  "))}`);
  const above = answers === "" ? [] : [dim(truncate(`${shape.left}╭ ${answers}`, columns))];
  return [...above, ...folded(lines, shape)];
}

/** The rows of a note, whose lines are safe for a terminal. */
export function noteRows(lines: readonly string[], columns: number): string[] {
  return lines.flatMap((line) => wrap(line, { columns, continuation: "  " }));
}

function append(lines: FormattedLine[], text: string): void {
  const { text: last, continuation } = lines.pop()!;
  lines.push({ text: last + text, continuation });
}

function folded(lines: readonly FormattedLine[], { columns, left }: { columns: number; left: string }): string[] {
  const rows = lines.flatMap(({ text, continuation }, i) =>
    wrap(i === 0 ? text : left + text, { columns, continuation: left + continuation })
  );
  return rows.length <= maxRows ? rows : [...rows.slice(0, maxRows), `${left}…`];
}
