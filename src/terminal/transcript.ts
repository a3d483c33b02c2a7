import { conversationAddress, type Message } from "../core/message.ts";
import { sanitizeLine, sanitizeLines } from "../core/sanitize.ts";
import type { Style } from "./style.ts";

const continuation = "      ";

/** Turns messages into lines for a terminal. What others wrote is made harmless here. */
export class Transcript {
  readonly #me: string;
  readonly #style: Style;
  #day: string | undefined;

  constructor(options: { me: string; style: Style }) {
    this.#me = options.me;
    this.#style = options.style;
  }

  /** `current` is the address that the person writes to: messages elsewhere say where they are. */
  message(message: Message, current: string | undefined): string[] {
    const address = conversationAddress(message.conversation, this.#me);
    const elsewhere = address === current ? "" : `${this.#style.warn(`[${sanitizeLine(address)}]`)} `;
    const sender = sanitizeLine(message.sender);
    const name = message.sender === this.#me ? this.#style.dim(`${sender}:`) : this.#style.bold(`${sender}:`);
    const [first, ...rest] = sanitizeLines(message.text);
    const line = `${this.#style.dim(clock(message.acceptedAt))} ${elsewhere}${name} ${first}`;
    return [...this.#newDay(message.acceptedAt), line, ...rest.map((each) => continuation + each)];
  }

  /** Something that chatd says, not a person. */
  note(text: string): string[] {
    return sanitizeLines(text).map((line) => this.#style.dim(line));
  }

  warning(text: string): string[] {
    return sanitizeLines(text).map((line) => this.#style.warn(line));
  }

  #newDay(time: number): string[] {
    const day = date(time);
    if (day === this.#day) return [];
    this.#day = day;
    return [this.#style.dim(`--- ${day} ---`)];
  }
}

/** "14:05", where this machine is. */
export function clock(time: number): string {
  const at = new Date(time);
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** "2025-03-01", where this machine is. */
export function date(time: number): string {
  const at = new Date(time);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
