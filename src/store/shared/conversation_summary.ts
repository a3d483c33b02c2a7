import type { ConversationSummary } from "../../core/messages/message_store.ts";
import { mentionAllByDefault, type Room } from "../../core/rooms/room.ts";
import { roleCodes, toRole } from "./codes.ts";
import { type RoomColumns, toRoom } from "./room_row.ts";
import { isUnblocked, openEnd } from "./visibility.ts";

/** Limits of the work for a page of summaries. */
export const summaryLimits = {
  /** Approximate maximum of entries to examine for a page. */
  entries: 30_000,
  /** Minimum of entries to examine for the last message of each conversation. */
  leastEntries: 32,
  /** Unread messages are counted one by one among this many entries, to exclude own and hidden ones. */
  countedOneByOne: 500,
  /** The same in conversations with a blocked member. */
  countedWithBlocked: 4_096,
  /** Deleted messages that are taken off the count of unread ones at most. */
  deleted: 10_000,
  /** Maximum count of mentions. */
  mentions: 200,
  /** Mentions to examine for it: some may be hidden, or the user's own. */
  examinedMentions: 1_000,
} as const;

/** Invitations come before all other conversations, so their list positions are beyond those of any log. */
export const invitationBase = 2 ** 52;

/** The columns {@link summaryColumns}, and the head of the conversation. */
export interface SummaryRow extends RoomColumns {
  readonly id: number;
  readonly name: string;
  readonly headSeq: number;
  readonly headPosition: number;
  /** The number of entries that are events. */
  readonly uncounted: number;
  readonly firstSeq: number;
  /** An invitation by a blocked user counts as none. */
  readonly role: number;
  readonly invitedPosition: number;
  /** The name of the room when the user left it. */
  readonly leftName: string | null;
  readonly readSeq: number;
  readonly readUncounted: number;
  readonly inviter: string | null;
  /** Null in a direct conversation, as are all columns of the room. */
  readonly roomName: string | null;
}

/** The end of a user's last stay in a conversation. */
export interface Stay {
  readonly lastSeq: number;
  readonly lastPosition: number;
}

/** The part of a summary that follows from its row. */
export type SummaryOutline = Omit<
  ConversationSummary,
  "last" | "unread" | "mentions" | "peerReadSeq" | "peerDeliveredSeq"
>;

/** SQL: columns of the conversation `c`, of the row `m` of member of `user`, and of the room `r`, if it is one. */
export function summaryColumns(user: string): string {
  return `c.id, c.name, c.first_seq AS "firstSeq",
    CASE WHEN m.role = ${roleCodes.invited} AND NOT ${
    isInvitationShown(user)
  } THEN ${roleCodes.left} ELSE m.role END AS role,
    m.invited_position AS "invitedPosition", m.left_name AS "leftName", m.read_seq AS "readSeq",
    m.read_uncounted AS "readUncounted", (SELECT i.name FROM "user" i WHERE i.id = m.inviter) AS inviter,
    r.name AS "roomName", r.topic, r.public, r.history_visible, r.mention_all, r.members, r.created_at`;
}

/** SQL: the inviter of `m`, a row of member, is not blocked by `user`. */
export function isInvitationShown(user: string): string {
  return `(m.inviter IS NULL OR ${isUnblocked(user, "m.inviter", openEnd.toString())})`;
}

/** @returns undefined if the user was never in the room, and is banned or was invited by a blocked user */
export function outlineOf(row: SummaryRow, stay: Stay | undefined): SummaryOutline | undefined {
  const isInvited = row.role === roleCodes.invited;
  if (stay === undefined && !isInvited) return undefined;
  return {
    conversation: row.name,
    headSeq: stay === undefined ? 0 : Math.min(stay.lastSeq, row.headSeq),
    position: isInvited ? invitationBase + row.invitedPosition : Math.min(stay!.lastPosition, row.headPosition),
    room: roomOf(row),
    role: toRole(row.role),
    invitedBy: isInvited ? row.inviter ?? undefined : undefined,
    readSeq: row.readSeq,
  };
}

/** Stands for the settings and members of a private room that a former member does not learn. */
const hidden = { mentionAll: mentionAllByDefault, memberCount: 0 };

/** Returns the room of a row; a former member of a private room sees only its name at the time of leaving. */
function roomOf(row: SummaryRow): Room | undefined {
  const { name: id, roomName: name, role, leftName, created_at: createdAt } = row;
  if (name === null) return undefined;
  if (row.public === 0 && (role === roleCodes.left || role === roleCodes.banned)) {
    return { id, name: leftName ?? "", topic: "", isPublic: false, historyVisible: false, ...hidden, createdAt };
  }
  return toRoom({ ...row, id, name });
}
