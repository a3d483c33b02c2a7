import type { LogEvent } from "../../../core/messages/log_event.ts";
import type { Message } from "../../../core/messages/message.ts";
import type { MemberRole } from "../../../core/rooms/room.ts";
import { roleCodes, toRole } from "../codes.ts";
import { decodeText, idOfHex } from "../column_values.ts";

/** Codes of entry.kind; kinds that refer to another entry come right after `message`. */
export const kindCodes = {
  message: 0,
  edited: 1,
  deleted: 2,
  reacted: 3,
  reactionRemoved: 4,
  roomCreated: 5,
  joined: 6,
  left: 7,
  invited: 8,
  removed: 9,
  banned: 10,
  unbanned: 11,
  roleChanged: 12,
  topicChanged: 13,
  roomChanged: 14,
} as const;

/** Bits of entry.target in events with a room's settings. */
const publicBit = 1;
const historyBit = 2;

/** The columns of an entry that depend on its event. */
export interface EventColumns {
  readonly kind: number;
  readonly target: number | null;
  /** A user's name. */
  readonly subject: string | null;
  readonly text: string;
}

/** Converts an event to columns; `text` is the entry's text. The text of an edit is stored with its message. */
export function eventColumns(event: LogEvent, text: string): EventColumns {
  switch (event.kind) {
    case "edited":
      return { kind: kindCodes.edited, target: event.target, subject: null, text: "" };
    case "deleted":
      return { kind: kindCodes.deleted, target: event.target, subject: null, text: "" };
    case "reacted": {
      const kind = event.removed ? kindCodes.reactionRemoved : kindCodes.reacted;
      return { kind, target: event.target, subject: null, text: event.emoji };
    }
    case "room_created":
      return { kind: kindCodes.roomCreated, target: roomBits(event), subject: null, text };
    case "joined":
      return { kind: kindCodes.joined, target: null, subject: null, text: "" };
    case "left":
      return { kind: kindCodes.left, target: null, subject: null, text: "" };
    case "invited":
      return { kind: kindCodes.invited, target: null, subject: event.user, text: "" };
    case "removed": {
      const kind = event.banned ? kindCodes.banned : kindCodes.removed;
      return { kind, target: null, subject: event.user, text: "" };
    }
    case "unbanned":
      return { kind: kindCodes.unbanned, target: null, subject: event.user, text: "" };
    case "role_changed":
      return { kind: kindCodes.roleChanged, target: roleCodes[event.role], subject: event.user, text: "" };
    case "topic_changed":
      return { kind: kindCodes.topicChanged, target: null, subject: null, text };
    case "room_changed":
      return { kind: kindCodes.roomChanged, target: roomBits(event), subject: null, text };
  }
}

function roomBits({ isPublic, historyVisible }: { isPublic: boolean; historyVisible: boolean }): number {
  return (isPublic ? publicBit : 0) | (historyVisible ? historyBit : 0);
}

/** The columns that are read of an entry. */
export interface EntryRow {
  readonly position: number;
  readonly conversation: string;
  readonly seq: number;
  readonly sender: string;
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly accepted_at: number;
  /** Null if the text is withheld from the reader. */
  readonly text: Uint8Array | null;
  readonly ordinal: number;
  readonly kind: number;
  readonly target: number | null;
  readonly subject: string | null;
  readonly edited_at: number | null;
  readonly deleted: number;
  readonly automatic: number;
}

export function toMessage(entry: EntryRow): Message {
  const event = toEvent(entry);
  return {
    position: entry.position,
    conversation: entry.conversation,
    seq: entry.seq,
    id: idOfHex(entry.id),
    sender: entry.sender,
    acceptedAt: entry.accepted_at,
    text: event?.kind === "reacted" || entry.text === null ? "" : decodeText(entry.text),
    ordinal: entry.ordinal,
    ...(event !== undefined && { event }),
    ...(event === undefined && entry.target !== null && { replyTo: entry.target }),
    ...(entry.edited_at !== null && { editedAt: entry.edited_at }),
    ...(entry.deleted !== 0 && { deleted: true }),
    ...(entry.text === null && { withheld: true }),
    ...(entry.automatic !== 0 && { automatic: true }),
  };
}

function toEvent({ kind, target: maybeTarget, subject, text }: EntryRow): LogEvent | undefined {
  const target = maybeTarget ?? 0;
  const user = subject ?? "";
  const settings = { isPublic: (target & publicBit) !== 0, historyVisible: (target & historyBit) !== 0 };
  switch (kind) {
    case kindCodes.message:
      return undefined;
    case kindCodes.edited:
      return { kind: "edited", target };
    case kindCodes.deleted:
      return { kind: "deleted", target };
    case kindCodes.reacted:
    case kindCodes.reactionRemoved:
      return { kind: "reacted", target, emoji: decodeText(text!), removed: kind === kindCodes.reactionRemoved };
    case kindCodes.roomCreated:
      return { kind: "room_created", ...settings };
    case kindCodes.joined:
      return { kind: "joined" };
    case kindCodes.left:
      return { kind: "left" };
    case kindCodes.invited:
      return { kind: "invited", user };
    case kindCodes.removed:
    case kindCodes.banned:
      return { kind: "removed", user, banned: kind === kindCodes.banned };
    case kindCodes.unbanned:
      return { kind: "unbanned", user };
    case kindCodes.roleChanged:
      return { kind: "role_changed", user, role: toRole(target) as MemberRole };
    case kindCodes.topicChanged:
      return { kind: "topic_changed" };
    case kindCodes.roomChanged:
      return { kind: "room_changed", ...settings };
    default:
      throw new RangeError(`Unknown kind ${kind} of an entry in the database.`);
  }
}
