import type { MemberRole } from "../rooms/room.ts";

/** An action of a user, as an entry of a conversation's log. Text that belongs to it is the text of the entry. */
export type LogEvent = EventOf;

/** An event that changes a message; its `target` is the seq of that message. */
export type MessageEvent = EventOf<keyof MessageEventFields>;

/** An event that changes a room or its members. */
export type RoomEvent = EventOf<keyof RoomEventFields>;

export type EventKind = keyof EventFields;

/** The event of a kind. */
export type EventOf<Kind extends EventKind = EventKind> = {
  readonly [K in Kind]: { readonly kind: K } & EventFields[K];
}[Kind];

interface EventFields extends MessageEventFields, RoomEventFields {}

interface MessageEventFields {
  /** The text is the new one; "" when the message was deleted since. The message is the sender's own. */
  readonly edited: Target;
  readonly deleted: Target;
  readonly reacted: Target & { readonly emoji: string; readonly removed: boolean };
  readonly pinned: Target & { readonly removed: boolean };
}

interface RoomEventFields {
  /** The text is the name. */
  readonly room_created: RoomAccess;
  readonly joined: NoFields;
  readonly left: NoFields;
  readonly invited: Subject;
  readonly removed: Subject & { readonly banned: boolean };
  readonly unbanned: Subject;
  readonly role_changed: Subject & { readonly role: MemberRole };
  /** The text is the topic. */
  readonly topic_changed: NoFields;
  /** The text is the name. */
  readonly room_changed: RoomAccess & {
    readonly mentionAll: MemberRole;
    /** The server's operator made the change, in the name of the entry's sender. */
    readonly byOperator: boolean;
  };
}

interface Target {
  /** The seq of a message. */
  readonly target: number;
}

interface Subject {
  /** The user that the event concerns. */
  readonly user: string;
}

interface RoomAccess {
  readonly isPublic: boolean;
  readonly historyVisible: boolean;
}

type NoFields = Readonly<Record<never, never>>;

/**
 * The subject of each kind of event. An event that changes a message is visible only to users who may see that message.
 */
export const changedBy: {
  readonly [Kind in EventKind]: Kind extends keyof RoomEventFields ? "room" : "message";
} = {
  edited: "message",
  deleted: "message",
  reacted: "message",
  pinned: "message",
  room_created: "room",
  joined: "room",
  left: "room",
  invited: "room",
  removed: "room",
  unbanned: "room",
  role_changed: "room",
  topic_changed: "room",
  room_changed: "room",
};

export function isRoomEvent(event: LogEvent): event is RoomEvent {
  return changedBy[event.kind] === "room";
}
