import { type MemberRole, memberRoles, type Room } from "../../core/rooms/room.ts";

/** The words for who may mention all members of a room, by the lowest role that may. */
export const mentioners: Readonly<Record<MemberRole, string>> = {
  member: "members",
  moderator: "moderators",
  owner: "owners",
};

/** Returns the lowest role that a word of {@link mentioners} means; undefined for another word. */
export function parseMentioners(word: string | undefined): MemberRole | undefined {
  return memberRoles.find((role) => mentioners[role] === word);
}

/** Describes who sees a room: "public, new members see earlier messages". */
export function describeAccess({ isPublic, historyVisible }: Pick<Room, "isPublic" | "historyVisible">): string {
  const history = historyVisible ? "new members see earlier messages" : "new members see only new messages";
  return `${isPublic ? "public" : "private"}, ${history}`;
}

/** Describes who may mention all: "moderators and owners may use @room and @here". */
export function describeMentionAll(mentionAll: MemberRole): string {
  const who = { member: "all members", moderator: "moderators and owners", owner: "owners" }[mentionAll];
  return `${who} may use @room and @here`;
}
