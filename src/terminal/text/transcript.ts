import type { Attachment, Message } from "../../core/messages/message.ts";
import { sanitizeLine, sanitizeLines } from "../../core/sanitize.ts";
import { truncate } from "../input/input_layout.ts";
import type { ConversationNames } from "../chat/conversations/conversation_names.ts";
import { formatBytes } from "./byte_size.ts";
import { eventText, textStandIn } from "./event_text.ts";
import { clock, date } from "./local_clock.ts";
import { formatText } from "./markdown.ts";
import { type MessageDetails, noDetails } from "./message_details.ts";
import type { Style } from "./style.ts";

const continuation = "      ";
/** Cells for the message that a reply answers or that was pinned, at most. */
export const maxQuoted = 40;

export interface TranscriptOptions {
  readonly me: string;
  readonly names: ConversationNames;
  readonly style: Style;
  readonly details?: MessageDetails;
}

export interface MessageLineOptions {
  /** Stands before the time, such as the number of a result. */
  readonly mark?: string;
}

/** Turns messages into lines for a terminal, and sanitizes the text of others. */
export class Transcript {
  readonly #me: string;
  readonly #names: ConversationNames;
  readonly #style: Style;
  readonly #details: MessageDetails;
  #day: string | undefined;

  constructor(options: TranscriptOptions) {
    this.#me = options.me;
    this.#names = options.names;
    this.#style = options.style;
    this.#details = options.details ?? noDetails;
  }

  /**
   * "14:05 12 ben: hi": commands call the message 12. A message outside `current`, the conversation that the person writes
   * to, begins with the name of its own.
   */
  message(message: Message, current: string | undefined, { mark = "" }: MessageLineOptions = {}): string[] {
    const { conversation, event, deleted, editedAt, replyTo, attachment, pinned, reactions = [] } = message;
    const dim = this.#style.dim;
    const elsewhere = conversation === current ? "" : `${this.#style.warn(`[${this.#names.label(conversation)}]`)} `;
    const sender = sanitizeLine(message.sender);
    const marked = mark === "" ? "" : `${this.#style.bold(mark)} `;
    const start = `${marked}${dim(`${clock(message.acceptedAt)} ${message.seq}`)} ${elsewhere}`;
    const day = this.#newDay(message.acceptedAt);
    if (event !== undefined) {
      const quote = truncate(this.#details.pinnedBy(message), maxQuoted);
      const [first, ...rest] = sanitizeLines(eventText(message, { quote }));
      return [...day, `${start}${dim(`* ${sender} ${first}`)}`, ...rest.map(indent).map(dim)];
    }
    const name = message.sender === this.#me ? dim(`${sender}:`) : this.#style.bold(`${sender}:`);
    const answered = truncate(this.#details.answeredBy(message), maxQuoted);
    const answers = replyTo === undefined ? "" : `${dim(`(to ${replyTo}${answered === "" ? "" : ` ${answered}`})`)} `;
    const words = message.automatic ? dim : (text: string) => text;
    const standIn = textStandIn(message);
    const [first, ...rest] = standIn === undefined ? this.#format(message.text, words) : [dim(standIn)];
    const lines = [...day, `${start}${name} ${answers}${first}`, ...rest.map(indent)];
    const file = deleted ? undefined : attachment;
    if (file !== undefined) {
      const shown = dim(fileText(file, conversation === current ? message.seq : undefined));
      if (message.text === "" && standIn === undefined) lines[lines.length - 1] += shown;
      else lines.push(indent(shown));
    }
    const receipt = this.#details.receiptOf(message);
    const marks = [
      ...(pinned ? ["(pinned)"] : []),
      ...(editedAt !== undefined && standIn === undefined ? ["(edited)"] : []),
      ...reactions.map(({ emoji, count }) => `${sanitizeLine(emoji)} ${count}`),
      ...(receipt !== "" ? [receipt] : []),
    ];
    if (marks.length > 0) lines[lines.length - 1] += ` ${dim(marks.join("  "))}`;
    return lines;
  }

  /** Lines for a notice of chatd itself. */
  note(text: string): string[] {
    return sanitizeLines(text).map((line) => this.#style.dim(line));
  }

  warning(text: string): string[] {
    return sanitizeLines(text).map((line) => this.#style.warn(line));
  }

  #format(text: string, base: (text: string) => string): string[] {
    return formatText(text, { style: this.#style, markdown: this.#details.markdown, base }).map((line) => line.text);
  }

  #newDay(time: number): string[] {
    const day = date(time);
    if (day === this.#day) return [];
    this.#day = day;
    return [this.#style.dim(`--- ${day} ---`)];
  }
}

/** "[file notes.txt, 1.2 MiB, /save 12]"; without a seq, it has no command to save it. */
export function fileText({ name, size }: Attachment, seq: number | undefined): string {
  const how = seq === undefined ? "" : `, /save ${seq}`;
  return `[file ${sanitizeLine(name)}, ${formatBytes(size)}${how}]`;
}

function indent(line: string): string {
  return continuation + line;
}
