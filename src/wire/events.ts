import { ChatError } from "../core/chat_error.ts";
import type { LogEvent } from "../core/messages/log_event.ts";
import type { MemberRole, RoomRole } from "../core/rooms/room.ts";
import { type Event, Role } from "../gen/chatd/v1/chat.ts";

const wireRoles: Readonly<Record<RoomRole, Role>> = {
  member: Role.MEMBER,
  moderator: Role.MODERATOR,
  owner: Role.OWNER,
  invited: Role.INVITED,
  left: Role.LEFT,
  banned: Role.BANNED,
};

export function toWireRole(role: RoomRole): Role {
  return wireRoles[role];
}

/** @returns undefined for one that this program does not know. */
export function fromWireRole(role: Role): RoomRole | undefined {
  return (Object.keys(wireRoles) as RoomRole[]).find((each) => wireRoles[each] === role);
}

/** A role that somebody can be given. @throws {ChatError} `invalid_argument` */
export function parseMemberRole(role: Role): MemberRole {
  const known = fromWireRole(role);
  if (known === "member" || known === "moderator" || known === "owner") return known;
  throw new ChatError("invalid_argument", "role must be ROLE_MEMBER, ROLE_MODERATOR or ROLE_OWNER.");
}

export function toWireEvent(event: LogEvent): Event {
  return { kind: wireKind(event) };
}

function wireKind(event: LogEvent): Event["kind"] {
  switch (event.kind) {
    case "edited":
      return { $case: "edited", value: { seq: event.target } };
    case "deleted":
      return { $case: "deleted", value: { seq: event.target } };
    case "reacted":
      return { $case: "reacted", value: { seq: event.target, emoji: event.emoji, removed: event.removed } };
    case "room_created":
      return { $case: "roomCreated", value: { public: event.isPublic, historyVisible: event.historyVisible } };
    case "joined":
      return { $case: "joined", value: {} };
    case "left":
      return { $case: "left", value: {} };
    case "invited":
      return { $case: "invited", value: { user: event.user } };
    case "removed":
      return { $case: "removed", value: { user: event.user, banned: event.banned } };
    case "unbanned":
      return { $case: "unbanned", value: { user: event.user } };
    case "role_changed":
      return { $case: "roleChanged", value: { user: event.user, role: toWireRole(event.role) } };
    case "topic_changed":
      return { $case: "topicChanged", value: {} };
    case "room_changed":
      return { $case: "roomChanged", value: { public: event.isPublic, historyVisible: event.historyVisible } };
  }
}

/** @returns undefined for one that this program does not know. */
export function fromWireEvent({ kind }: Event): LogEvent | undefined {
  switch (kind?.$case) {
    case "edited":
      return { kind: "edited", target: kind.value.seq };
    case "deleted":
      return { kind: "deleted", target: kind.value.seq };
    case "reacted":
      return { kind: "reacted", target: kind.value.seq, emoji: kind.value.emoji, removed: kind.value.removed };
    case "roomCreated":
      return { kind: "room_created", isPublic: kind.value.public, historyVisible: kind.value.historyVisible };
    case "joined":
      return { kind: "joined" };
    case "left":
      return { kind: "left" };
    case "invited":
      return { kind: "invited", user: kind.value.user };
    case "removed":
      return { kind: "removed", user: kind.value.user, banned: kind.value.banned };
    case "unbanned":
      return { kind: "unbanned", user: kind.value.user };
    case "roleChanged": {
      const role = fromWireRole(kind.value.role);
      const known = role === "member" || role === "moderator" || role === "owner" ? role : undefined;
      return known && { kind: "role_changed", user: kind.value.user, role: known };
    }
    case "topicChanged":
      return { kind: "topic_changed" };
    case "roomChanged":
      return { kind: "room_changed", isPublic: kind.value.public, historyVisible: kind.value.historyVisible };
    case undefined:
      return undefined;
  }
}
