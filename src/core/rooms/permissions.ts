import { type CurrentRole, type MemberRole, memberRoles, type Room } from "./room.ts";

/**
 * A user's current relation to a room. "stranger": none, or they left; the store knows which old entries they may still
 * read.
 */
export type Standing = CurrentRole | "stranger";

/** An action on a room. */
export type RoomAction =
  /** Learn that a private room exists, its name and topic. */
  | "see"
  | "see_members"
  | "send"
  | "react"
  /** Also covers removing pins. */
  | "pin"
  /** Name all members by "@room", or those who are online by "@here": from the role on that the room sets. */
  | "mention_all"
  /** Also covers edits. */
  | "delete_own"
  | "delete_any"
  | "join"
  | "leave"
  | "invite"
  | "set_topic"
  /** Change the name, whether the room is public and shows its history to new members, and who may mention all. */
  | "update"
  | "remove_member"
  | "remove_moderator"
  | "remove_owner"
  | "unban"
  | "see_banned"
  | "set_role";

const member: readonly RoomAction[] = [
  "see",
  "see_members",
  "send",
  "react",
  "delete_own",
  "leave",
  "invite",
];
const moderator: readonly RoomAction[] = [
  ...member,
  "pin",
  "delete_any",
  "set_topic",
  "remove_member",
  "unban",
  "see_banned",
];
const owner: readonly RoomAction[] = [...moderator, "update", "remove_moderator", "remove_owner", "set_role"];

const allowed: Readonly<Record<Standing, ReadonlySet<RoomAction>>> = {
  owner: new Set(owner),
  moderator: new Set(moderator),
  member: new Set(member),
  invited: new Set<RoomAction>(["see", "join", "leave"]),
  banned: new Set<RoomAction>(),
  stranger: new Set<RoomAction>(),
};

const allowedInPublic: Readonly<Record<Standing, readonly RoomAction[]>> = {
  owner: [],
  moderator: [],
  member: [],
  invited: ["see_members"],
  banned: ["see"],
  stranger: ["see", "join", "see_members"],
};

/** The settings of a room that permissions depend on. */
export type RoomRules = Pick<Room, "isPublic" | "mentionAll">;

/**
 * Returns whether a user of this standing may perform the action; `rules` as the room is now. Each plain message calls
 * this, and most need no rule.
 */
export function mayDo(standing: Standing, action: RoomAction, rules: RoomRules): boolean {
  if (action === "mention_all") return mayMentionAll(standing, rules.mentionAll);
  return allowed[standing].has(action) || (rules.isPublic && allowedInPublic[standing].includes(action));
}

/** Returns whether a user of this standing may name all members at once, in a room that permits it from a role on. */
export function mayMentionAll(standing: Standing, mentionAll: MemberRole): boolean {
  return memberRoles.slice(memberRoles.indexOf(mentionAll)).some((role) => role === standing);
}
