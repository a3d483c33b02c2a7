import { changedBy, type EventKind, type EventOf, type LogEvent } from "../../../core/messages/log_event.ts";
import type { Message } from "../../../core/messages/message.ts";
import type { MemberRole } from "../../../core/rooms/room.ts";
import { roleCodes, toRole } from "../codes.ts";
import { decodeText, idOfHex } from "../column_values.ts";

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
} as const;

/** What an entry keeps of its event, beside what every entry has. */
export interface EventColumns {
  readonly kind: number;
  readonly target: number | null;
  /** A user's name. */
  readonly subject: string | null;
  readonly text: string;
}

/** How one kind of event is kept. */
interface EventCodec<Kind extends EventKind> {
  /** Values of entry.kind; two where the kind of the entry tells a flag of the event. */
  readonly codes: readonly number[];
  /** `text` is that of the entry. Columns that are left out are empty. */
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
  // Its text is kept with the message that it changes.
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
    toEvent: ({ user, target }) => ({ kind: "role_changed", user, role: toRole(target) as MemberRole }),
  },
  topic_changed: {
    codes: [kindCodes.topicChanged],
    toColumns: (_event, text) => ({ text }),
    toEvent: () => ({ kind: "topic_changed" }),
  },
  room_changed: {
    codes: [kindCodes.roomChanged],
    toColumns: (event, text) => ({ target: toAccessBits(event), text }),
    toEvent: ({ target }) => ({ kind: "room_changed", ...fromAccessBits(target) }),
  },
};

const decoders = new Map(Object.values(codecs).flatMap(({ codes, toEvent }) => codes.map((code) => [code, toEvent])));

/** Values of entry.kind of events that change a message, whose seq is in entry.target. */
export const messageEventCodes: readonly number[] = (Object.keys(codecs) as EventKind[])
  .filter((kind) => changedBy[kind] === "message").flatMap((kind) => codecs[kind].codes);

/** @param text that of the entry */
export function eventColumns<Kind extends EventKind>(event: EventOf<Kind>, text: string): EventColumns {
  const { codes, toColumns } = codecs[event.kind];
  return { kind: codes[0], target: null, subject: null, text: "", ...toColumns(event, text) };
}

/** What is read of an entry. */
export interface EntryRow {
  readonly position: number;
  readonly conversation: string;
  readonly seq: number;
  readonly sender: string;
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly accepted_at: number;
  /** Null where it is withheld from the reader. */
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

function toEvent({ kind, target, subject, text }: EntryRow): LogEvent | undefined {
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

function toAccessBits({ isPublic, historyVisible }: { isPublic: boolean; historyVisible: boolean }): number {
  return (isPublic ? publicBit : 0) | (historyVisible ? historyBit : 0);
}

function fromAccessBits(bits: number): { isPublic: boolean; historyVisible: boolean } {
  return { isPublic: (bits & publicBit) !== 0, historyVisible: (bits & historyBit) !== 0 };
}
