import type { Message } from "../../core/messages/message.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { textStandIn } from "./event_text.ts";

/** Returns the first line of a message with words, or the words that stand for it. Safe for a terminal. */
export function messageLine(message: Message): string {
  const { text, attachment } = message;
  const line = text.split(/\r?\n/).find((each) => each.trim() !== "") ?? "";
  const isFile = line === "" && attachment !== undefined;
  return sanitizeLine(textStandIn(message) ?? (isFile ? `[file ${attachment.name}]` : line));
}
