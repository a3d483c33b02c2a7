import { ChatError } from "./chat_error.ts";

/** Longest text of a message, in bytes of UTF-8. */
export const maxTextBytes = 16 * 1024;
/** Longest text of a message as a JSON string, in bytes and without its quotes: control characters take up to six each. */
export const maxEncodedTextBytes = 48 * 1024;

/** What the log says about an accepted message. */
export interface Accepted {
  /** Store-wide, rising with every accepted message. */
  readonly position: number;
  readonly conversation: string;
  /** 1, 2, 3 … within the conversation. */
  readonly seq: number;
  /** Milliseconds since the Unix epoch. */
  readonly acceptedAt: number;
}

/** One entry of a conversation's log. */
export interface Message extends Accepted {
  /** UUIDv7 in lower case, made by the sender's client; unique for each sender. */
  readonly id: string;
  readonly sender: string;
  readonly text: string;
}

const utf8 = new TextEncoder();

/** @throws {ChatError} `invalid_argument` when `text` cannot be the body of a message. */
export function checkText(text: string): void {
  if (text.length === 0) throw new ChatError("invalid_argument", "The message is empty: write something.");
  if (!text.isWellFormed()) throw new ChatError("invalid_argument", "The message is not valid UTF-8.");
  // Three bytes are the most that one UTF-16 unit needs, six the most that it takes in JSON.
  if (text.length > maxTextBytes / 3 && utf8.encode(text).length > maxTextBytes) {
    throw new ChatError("invalid_argument", "The message is longer than 16 KiB: split it.");
  }
  if (text.length > maxEncodedTextBytes / 6 && utf8.encode(JSON.stringify(text)).length - 2 > maxEncodedTextBytes) {
    throw new ChatError(
      "invalid_argument",
      "The message is longer than 48 KiB when encoded: it has too many control characters.",
    );
  }
}

/** The id of the conversation of two people, or of one with themself: the same from both sides. */
export function directConversation(one: string, other: string): string {
  return one < other ? `${one}:${other}` : `${other}:${one}`;
}

/** Who is in the conversation, each once. */
export function conversationMembers(conversation: string): string[] {
  return [...new Set(conversation.split(":"))];
}

/** How `user` addresses a conversation that they are in: the other person's name. */
export function conversationAddress(conversation: string, user: string): string {
  const [one, other] = conversation.split(":");
  return one === user ? other : one;
}
