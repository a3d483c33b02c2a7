import { ChatError } from "../chat_error.ts";
import { isRoomId } from "../rooms/room.ts";
import type { LogEvent } from "./log_event.ts";
import type { MentionAudience } from "./mentions.ts";
import type { Naming } from "./naming.ts";

/** Longest text of a message, in bytes of UTF-8. */
export const maxTextBytes = 16 * 1024;
/** Longest text of a message as a JSON string without its quotes, in bytes: control characters take up to six each. */
export const maxEncodedTextBytes = 48 * 1024;

/** The place of an accepted message in the log. */
export interface Accepted {
  /** Rises with every accepted message of the store. */
  readonly position: number;
  readonly conversation: string;
  /** 1, 2, 3 … within the conversation. */
  readonly seq: number;
  /** Milliseconds since the Unix epoch. */
  readonly acceptedAt: number;
}

/** One entry of a conversation's log: a message or an event. Read from the store, it has its current state. */
export interface Message extends Accepted {
  /** UUIDv7 in lower case, made by the client of the sender; unique for each sender. */
  readonly id: string;
  readonly sender: string;
  /** "" in a deleted message, and where the text is withheld. */
  readonly text: string;
  /** The number of messages, without events, up to this entry. */
  readonly ordinal: number;
  /** Absent in messages. */
  readonly event?: LogEvent;
  /** The seq of the message that this one answers. */
  readonly replyTo?: number;
  readonly attachment?: Attachment;
  /** Milliseconds since the Unix epoch. */
  readonly editedAt?: number;
  readonly deleted?: boolean;
  /**
   * The text is withheld, and "": in a message whose newest edit the reader may not see, and in an edit that another
   * edit followed.
   */
  readonly withheld?: boolean;
  /** Its text names many members at once, and its author may do so. */
  readonly audience?: MentionAudience;
  /** How it names its reader; absent also where there is no reader yet. */
  readonly naming?: Naming;
  /** Written by a program as an answer; other programs do not answer it. */
  readonly automatic?: boolean;
  /** Only in pages of history and lists of pins, like `pinned`. */
  readonly reactions?: readonly Reaction[];
  readonly pinned?: boolean;
}

/** A message that is pinned in its conversation. */
export interface Pin {
  readonly message: Message;
  /** The user who pinned it. */
  readonly user: string;
  /** Milliseconds since the Unix epoch. */
  readonly pinnedAt: number;
  /** Position of the entry that pinned it. */
  readonly position: number;
}

/** A file that belongs to a message. */
export interface Attachment {
  readonly name: string;
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface Reaction {
  readonly emoji: string;
  readonly count: number;
  /** The reader is among them. */
  readonly own: boolean;
}

const utf8 = new TextEncoder();

/** Control characters are visible, because clients show a picture of each. */
const visible = /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Returns whether a text has a character that readers see. */
export function isVisibleText(text: string): boolean {
  return visible.test(text);
}

/** @throws {ChatError} `invalid_argument` when `text` cannot be the text of a message. */
export function checkText(text: string): void {
  if (text.length === 0) throw new ChatError("invalid_argument", "The message is empty: write something.");
  if (!text.isWellFormed()) throw new ChatError("invalid_argument", "The message is not valid UTF-8.");
  if (!isVisibleText(text)) {
    throw new ChatError("invalid_argument", "The message has only invisible characters: write something.");
  }
  // One UTF-16 unit needs at most three bytes, and six in JSON.
  if (text.length > maxTextBytes / 3 && utf8.encode(text).length > maxTextBytes) {
    throw new ChatError("invalid_argument", "The message is longer than 16 KiB: split it.");
  }
  if (text.length > maxEncodedTextBytes / 6 && utf8.encode(JSON.stringify(text)).length - 2 > maxEncodedTextBytes) {
    throw new ChatError(
      "invalid_argument",
      "The message is longer than 48 KiB in JSON: remove control characters.",
    );
  }
}

/** Returns the id of the conversation of two users, or of one with themself; the order does not matter. */
export function directConversation(one: string, other: string): string {
  return one < other ? `${one}:${other}` : `${other}:${one}`;
}

/** Returns the users of a direct conversation, each once. */
export function directMembers(conversation: string): string[] {
  const end = conversation.indexOf(":");
  const one = conversation.slice(0, end);
  const other = conversation.slice(end + 1);
  return one === other ? [one] : [one, other];
}

/** Returns the address of a conversation for its member `user`: the name of the other user, or the id of the room. */
export function conversationAddress(conversation: string, user: string): string {
  if (isRoomId(conversation)) return conversation;
  const [one, other] = conversation.split(":");
  return one === user ? other : one;
}
