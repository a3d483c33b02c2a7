import { ChatError } from "../chat_error.ts";

/** What somebody who is in a room may be. */
export type MemberRole = "owner" | "moderator" | "member";

/** What somebody is to a room that has to do with them. "left" and "banned": reads what was said while they were in it. */
export type RoomRole = MemberRole | "invited" | "left" | "banned";

/** Of those who did not leave. */
export type CurrentRole = Exclude<RoomRole, "left">;

/** A room without its members. */
export interface Room {
  /** "+" and 26 of a-z 2-7, for ever; also the name of its conversation. */
  readonly id: string;
  /** Unique among public rooms. */
  readonly name: string;
  readonly topic: string;
  /** Anybody may find it and join. */
  readonly isPublic: boolean;
  /** New members see what was said before they came. */
  readonly historyVisible: boolean;
  readonly memberCount: number;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
}

const namePattern = /^[a-z0-9][a-z0-9._-]{0,31}$/;
const idPattern = /^\+[a-z2-7]{26}$/;
const idAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
const maxTopicBytes = 512;
const utf8 = new TextEncoder();

/**
 * The id of the room that `user` makes by this request: the same again when the request is sent again. It cannot be guessed without the 74
 * random bits of `requestId`, which only the room's members see.
 */
export async function roomIdFor(user: string, requestId: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode(`room ${user} ${requestId}`)));
  return "+" + Array.from(digest.subarray(0, 26), (byte) => idAlphabet[byte & 31]).join("");
}

export function isRoomId(text: string): boolean {
  return idPattern.test(text);
}

/** @returns `name` without a leading "#". @throws {ChatError} `invalid_argument` when no room can have this name. */
export function parseRoomName(name: string): string {
  const bare = name.replace(/^#/, "");
  if (namePattern.test(bare)) return bare;
  throw new ChatError(
    "invalid_argument",
    `${
      JSON.stringify(name.slice(0, 64))
    } is not a room's name: use 1 to 32 of a-z 0-9 . _ - and begin with a letter or digit.`,
  );
}

/** @throws {ChatError} `invalid_argument` */
export function checkTopic(topic: string): void {
  if (!topic.isWellFormed() || /\p{Cc}/u.test(topic)) {
    throw new ChatError("invalid_argument", "The topic has control characters in it, or is not valid UTF-8.");
  }
  if (utf8.encode(topic).length > maxTopicBytes) {
    throw new ChatError("invalid_argument", `The topic is longer than ${maxTopicBytes} bytes: shorten it.`);
  }
}
