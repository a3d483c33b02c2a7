import { changedBy, type EventKind, type EventOf, type LogEvent } from "../../core/messages/log_event.ts";
import { type MemberRole, memberRoles } from "../../core/rooms/room.ts";
import { roleCodes, toMemberRole } from "./codes.ts";
import { decodeText } from "./column_values.ts";

/** The values of entry.kind. Data folders hold them, so none ever changes; new ones follow the last. */
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
  pinned: 15,
  unpinned: 16,
} as const;

/** The columns of an entry that depend on its event. */
export interface EventColumns {
  readonly kind: number;
  readonly target: number | null;
  /** The name of a user. */
  readonly subject: string | null;
  readonly text: string;
}

/** Converts one kind of event to and from columns. */
interface EventCodec<Kind extends EventKind> {
  /** Values of entry.kind; a second one stands for a flag of the event. */
  readonly codes: readonly number[];
  /** `text` is that of the entry. Omitted columns are empty, and `kind` is the first code. */
  readonly toColumns: (event: EventOf<Kind>, text: string) => Partial<EventColumns>;
  readonly toEvent: (row: EventRow) => EventOf<Kind>;
}

/** The columns of an event as they are read. */
interface EventRow {
  readonly kind: number;
  readonly target: number;
  readonly user: string;
  /** Null where it is withheld from the reader. */
  readonly text: Uint8Array | null;
}

const codecs: { readonly [Kind in EventKind]: EventCodec<Kind> } = {
  // The text is stored with the message that it changes.
  edited: {
    codes: [kindCodes.edited],
    toColumns: ({ target }) => ({ target }),
    toEvent: ({ target }) => ({ kind: "edited", target }),
  },
  deleted: {
    codes: [kindCodes.deleted],
    toColumns: ({ target }) => ({ target }),
    toEvent: ({ target }) => ({ kind: "deleted", target }),
  },
  reacted: {
    codes: [kindCodes.reacted, kindCodes.reactionRemoved],
    toColumns: ({ target, emoji, removed }) => ({
      kind: removed ? kindCodes.reactionRemoved : kindCodes.reacted,
      target,
      text: emoji,
    }),
    toEvent: ({ kind, target, text }) => ({
      kind: "reacted",
      target,
      emoji: decodeText(text!),
      removed: kind === kindCodes.reactionRemoved,
    }),
  },
  pinned: {
    codes: [kindCodes.pinned, kindCodes.unpinned],
    toColumns: ({ target, removed }) => ({ kind: removed ? kindCodes.unpinned : kindCodes.pinned, target }),
    toEvent: ({ kind, target }) => ({ kind: "pinned", target, removed: kind === kindCodes.unpinned }),
  },
  room_created: {
    codes: [kindCodes.roomCreated],
    toColumns: (event, text) => ({ target: toAccessBits(event), text }),
    toEvent: ({ target }) => ({ kind: "room_created", ...fromAccessBits(target) }),
  },
  joined: { codes: [kindCodes.joined], toColumns: () => ({}), toEvent: () => ({ kind: "joined" }) },
  left: { codes: [kindCodes.left], toColumns: () => ({}), toEvent: () => ({ kind: "left" }) },
  invited: {
    codes: [kindCodes.invited],
    toColumns: ({ user }) => ({ subject: user }),
    toEvent: ({ user }) => ({ kind: "invited", user }),
  },
  removed: {
    codes: [kindCodes.removed, kindCodes.banned],
    toColumns: ({ user, banned }) => ({ kind: banned ? kindCodes.banned : kindCodes.removed, subject: user }),
    toEvent: ({ kind, user }) => ({ kind: "removed", user, banned: kind === kindCodes.banned }),
  },
  unbanned: {
    codes: [kindCodes.unbanned],
    toColumns: ({ user }) => ({ subject: user }),
    toEvent: ({ user }) => ({ kind: "unbanned", user }),
  },
  role_changed: {
    codes: [kindCodes.roleChanged],
    toColumns: ({ user, role }) => ({ target: roleCodes[role], subject: user }),
    toEvent: ({ user, target }) => ({ kind: "role_changed", user, role: toMemberRole(target) }),
  },
  topic_changed: {
    codes: [kindCodes.topicChanged],
    toColumns: (_event, text) => ({ text }),
    toEvent: () => ({ kind: "topic_changed" }),
  },
  room_changed: {
    codes: [kindCodes.roomChanged],
    toColumns: (event, text) => ({
      target: toAccessBits(event) | mentionAllBits[event.mentionAll] | (event.byOperator ? operatorBit : 0),
      text,
    }),
    toEvent: ({ target }) => ({
      kind: "room_changed",
      ...fromAccessBits(target),
      mentionAll: memberRoles.find((role) => mentionAllBits[role] === (target & anyMentionAll))!,
      byOperator: (target & operatorBit) !== 0,
    }),
  },
};

const decoders = new Map(Object.values(codecs).flatMap(({ codes, toEvent }) => codes.map((code) => [code, toEvent])));

/** Values of entry.kind of events that change a message, whose seq is in entry.target. */
export const messageEventCodes: readonly number[] = (Object.keys(codecs) as EventKind[])
  .filter((kind) => changedBy[kind] === "message").flatMap((kind) => codecs[kind].codes);

/** Returns the columns of an event. @param text the text of its entry */
export function eventColumns<Kind extends EventKind>(event: EventOf<Kind>, text: string): EventColumns {
  const { codes, toColumns } = codecs[event.kind];
  return { kind: codes[0], target: null, subject: null, text: "", ...toColumns(event, text) };
}

/** Returns undefined for a message. @throws {RangeError} for a kind that this program does not know */
export function toEvent(
  { kind, target, subject, text }: Omit<EventColumns, "text"> & Pick<EventRow, "text">,
): LogEvent | undefined {
  if (kind === kindCodes.message) return undefined;
  const decode = decoders.get(kind);
  if (decode === undefined) {
    throw new RangeError(`The database has an entry of kind ${kind} that this chatd does not know.`);
  }
  return decode({ kind, target: target ?? 0, user: subject ?? "", text });
}

/** Bits of entry.target in an event that says how a room is. */
const publicBit = 1;
const historyBit = 2;
/** None in events from before this setting, in which moderators and owners could mention all. */
const mentionAllBits: Readonly<Record<MemberRole, number>> = { moderator: 0, member: 4, owner: 8 };
const anyMentionAll = 4 | 8;
const operatorBit = 16;

function toAccessBits({ isPublic, historyVisible }: { isPublic: boolean; historyVisible: boolean }): number {
  return (isPublic ? publicBit : 0) | (historyVisible ? historyBit : 0);
}

function fromAccessBits(bits: number): { isPublic: boolean; historyVisible: boolean } {
  return { isPublic: (bits & publicBit) !== 0, historyVisible: (bits & historyBit) !== 0 };
}
