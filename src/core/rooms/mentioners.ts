import { type MemberRole, memberRoles } from "./room.ts";

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
