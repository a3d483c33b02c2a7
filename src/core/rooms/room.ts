import { ChatError } from "../chat_error.ts";

/** Role of a member. */
export type MemberRole = "owner" | "moderator" | "member";

/** Relation of a user to a room. "left" and "banned" may read the entries of their time as members. */
export type RoomRole = MemberRole | "invited" | "left" | "banned";

/** Role of a user who did not leave. */
export type CurrentRole = Exclude<RoomRole, "left">;

/** A room without its members. */
export interface Room {
  /** "+" and 26 of a-z 2-7; permanent, and also the name of its conversation. */
  readonly id: string;
  /** Unique among public rooms. */
  readonly name: string;
  readonly topic: string;
  /** All users can find and join it. */
  readonly isPublic: boolean;
  /** New members see entries from before they joined. */
  readonly historyVisible: boolean;
  /** The lowest role whose holders may name all members at once, by "@room" and "@here". */
  readonly mentionAll: MemberRole;
  readonly memberCount: number;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
}

/** The roles of members, the lowest first. */
export const memberRoles: readonly MemberRole[] = ["member", "moderator", "owner"];

/** {@link Room.mentionAll} of a new room. */
export const mentionAllByDefault: MemberRole = "moderator";

const namePattern = /^[a-z0-9][a-z0-9._-]{0,31}$/;
const idPattern = /^\+[a-z2-7]{26}$/;
const idAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
const maxTopicBytes = 512;
const utf8 = new TextEncoder();

/**
 * Derives the id of a room from the creator and the request, so a resent request yields the same id. It cannot be
 * guessed without the 74 random bits of `requestId`, which only the room's members see.
 */
export async function roomIdFor(user: string, requestId: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode(`room ${user} ${requestId}`)));
  return "+" + Array.from(digest.subarray(0, 26), (byte) => idAlphabet[byte & 31]).join("");
}

export function isRoomId(text: string): boolean {
  return idPattern.test(text);
}

/** Returns `name` without a leading "#". @throws {ChatError} `invalid_argument` when it is not a valid room name */
export function parseRoomName(name: string): string {
  const bare = name.replace(/^#/, "");
  if (namePattern.test(bare)) return bare;
  throw new ChatError(
    "invalid_argument",
    `${
      JSON.stringify(name.slice(0, 64))
    } is not a valid room name: use 1 to 32 of a-z 0-9 . _ - and start with a letter or digit.`,
  );
}

/** Checks a topic. @throws {ChatError} `invalid_argument` */
export function checkTopic(topic: string): void {
  if (!topic.isWellFormed() || /\p{Cc}/u.test(topic)) {
    throw new ChatError("invalid_argument", "The topic contains control characters or is not valid UTF-8.");
  }
  if (utf8.encode(topic).length > maxTopicBytes) {
    throw new ChatError("invalid_argument", `The topic is longer than ${maxTopicBytes} bytes: shorten it.`);
  }
}
