import { ChatError } from "../chat_error.ts";
import { isRoomId } from "../rooms/room.ts";
import type { LogEvent } from "./log_event.ts";

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

/** One entry of a conversation's log: a message, or an event. Read from the store it shows its current state. */
export interface Message extends Accepted {
  /** UUIDv7 in lower case, made by the sender's client; unique for each sender. */
  readonly id: string;
  readonly sender: string;
  /** Of a deleted message, and where it is withheld: "". */
  readonly text: string;
  /** How many of the entries up to this one are messages, not events. */
  readonly ordinal: number;
  /** Absent in a message. */
  readonly event?: LogEvent;
  /** The seq of what it answers. */
  readonly replyTo?: number;
  readonly attachment?: Attachment;
  /** Milliseconds since the Unix epoch. */
  readonly editedAt?: number;
  readonly deleted?: boolean;
  /**
   * The text is not given: "" instead. Of a message whose newest edit the reader may not see; of an edit after which the message was edited
   * again.
   */
  readonly withheld?: boolean;
  /** A program wrote it in answer to something: other programs do not answer it. */
  readonly automatic?: boolean;
  /** Only in pages of history. */
  readonly reactions?: readonly Reaction[];
}

/** A file that belongs to a message. */
export interface Attachment {
  readonly name: string;
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

export interface Reaction {
  readonly emoji: string;
  readonly count: number;
  /** Whoever asked is one of them. */
  readonly own: boolean;
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

/** The two people of a direct conversation, each once. */
export function directMembers(conversation: string): string[] {
  const end = conversation.indexOf(":");
  const one = conversation.slice(0, end);
  const other = conversation.slice(end + 1);
  return one === other ? [one] : [one, other];
}

/** How `user` addresses a conversation that they are in: the other person's name, or the room's id. */
export function conversationAddress(conversation: string, user: string): string {
  if (isRoomId(conversation)) return conversation;
  const [one, other] = conversation.split(":");
  return one === user ? other : one;
}
