import type { MemberRole, Room } from "../../core/rooms/room.ts";

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
