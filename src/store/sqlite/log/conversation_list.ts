import type { Message } from "../../../core/messages/message.ts";
import type { ConversationSummary } from "../../../core/messages/message_store.ts";
import { mentionAllByDefault, type Room } from "../../../core/rooms/room.ts";
import { roleCodes, toMemberRole, toRole } from "../../shared/codes.ts";
import { decodeText } from "../../shared/column_values.ts";
import type { Database } from "../database.ts";
import type { Steps } from "../steps.ts";
import { kindCodes } from "../../shared/entry_columns.ts";
import type { EntryReader } from "./entry_reader.ts";
import { headOf, type Heads } from "./heads.ts";
import type { LogPages } from "./log_pages.ts";
import { namedSince } from "../../shared/named_since.ts";
import { isShown, isTextShown, isUnblocked, isVisible, openEnd } from "../../shared/visibility.ts";

/** Unread messages are counted one by one among this many entries, to exclude own and hidden ones. */
const countedOneByOne = 500;
/** The same in conversations with a blocked member. */
const countedWithBlocked = 4_096;
/** Entries to count per step. */
const countedAtOnce = 1_024;
/** Deleted messages that are taken off the count of unread ones at most. */
const maxDeleted = 10_000;
/** Maximum count of mentions. */
const maxMentions = 200;
/** Mentions to examine for it: some may be hidden, or the user's own. */
const maxLookedAtMentions = 1_000;
/** Approximate maximum of entries to examine for a page of summaries. */
const maxLookedAt = 30_000;
/** Minimum of entries to examine for the last message of each conversation. */
const leastLookedAt = 32;

/** Invitations come before all other conversations, so their list positions are beyond those of any log. */
export const invitationBase = 2 ** 52;

/** The number of entries that may still be examined for a page of summaries. */
interface Allowance {
  entries: number;
}

/** A conversation, by its key, with its position in the list. */
export interface ListedConversation {
  readonly conversation: number;
  readonly position: number;
}

interface SummaryRow {
  id: number;
  name: string;
  headSeq: number;
  headPosition: number;
  uncounted: number;
  firstSeq: number;
  /** An invitation by a blocked user counts as none. */
  role: number;
  invitedPosition: number;
  /** The name of the room when the user left it. */
  leftName: string | null;
  readSeq: number;
  readUncounted: number;
  inviter: string | null;
  roomName: string | null;
  topic: Uint8Array;
  isPublic: number;
  historyVisible: number;
  mentionAll: number;
  members: number;
  createdAt: number;
}

interface Stay {
  lastSeq: number;
  lastPosition: number;
}

interface PeerRow {
  id: number;
  readSeq: number;
  /** Whether both share receipts with each other. */
  sharesReceipts: number;
}

function prepareStatements(database: Database) {
  return {
    invitations: database.prepare(
      `SELECT m.conversation, m.invited_position + ${invitationBase} AS position FROM member m
       WHERE m.user = :user AND m.role = ${roleCodes.invited} AND m.invited_position < :before - ${invitationBase}
         AND ${isInvitationShown(":user")}
       ORDER BY m.invited_position DESC LIMIT +:limit`,
    ),
    directs: database.prepare(
      `SELECT m.conversation, m.head_position AS position FROM member m
       WHERE m.user = :user AND m.room = 0 AND m.head_position < :before
       ORDER BY m.head_position DESC LIMIT +:limit`,
    ),
    openStays: database.prepare(
      `SELECT s.conversation, ${headOf.position} AS position FROM span s CROSS JOIN conversation c ON c.id = s.conversation
       WHERE s.user = :user AND s.room = 1 AND s.last_position = ${openEnd} AND ${headOf.position} < :before`,
    ),
    // A user who was invited again has the room among the invitations.
    endedStays: database.prepare(
      `SELECT s.conversation, s.last_position AS position FROM span s
       WHERE s.user = :user AND s.room = 1 AND s.last_position < :before
         AND NOT EXISTS (
           SELECT 1 FROM span later
           WHERE later.user = s.user AND later.conversation = s.conversation AND later.first_seq > s.first_seq)
         AND NOT EXISTS (
           SELECT 1 FROM member m
           WHERE m.conversation = s.conversation AND m.user = s.user AND m.role = ${roleCodes.invited}
             AND ${isInvitationShown(":user")})
       ORDER BY s.last_position DESC LIMIT +:limit`,
    ),
    find: database.prepare(
      `SELECT c.id, c.name, ${headOf.seq} AS headSeq, ${headOf.position} AS headPosition,
         ${headOf.uncounted} AS uncounted, c.first_seq AS firstSeq,
         CASE WHEN m.role = ${roleCodes.invited} AND NOT ${
        isInvitationShown(":user")
      } THEN ${roleCodes.left} ELSE m.role END AS role,
         m.invited_position AS invitedPosition, m.left_name AS leftName, m.read_seq AS readSeq, m.read_uncounted AS readUncounted,
         (SELECT i.name FROM user i WHERE i.id = m.inviter) AS inviter,
         r.name AS roomName, r.topic, r.public AS isPublic, r.history_visible AS historyVisible, r.mention_all AS mentionAll, r.members,
         r.created_at AS createdAt
       FROM conversation c CROSS JOIN member m ON m.conversation = c.id LEFT JOIN room r ON r.conversation = c.id
       WHERE c.id = :conversation AND m.user = :user`,
    ),
    newestStay: database.prepare(
      `SELECT last_seq AS lastSeq, last_position AS lastPosition FROM span WHERE user = ? AND conversation = ?
       ORDER BY first_seq DESC LIMIT 1`,
    ),
    uncountedAt: database.prepare("SELECT uncounted, kind FROM entry WHERE conversation = ? AND seq = ?"),
    hasBlocked: database.prepare(
      `SELECT 1 FROM block b CROSS JOIN member m ON m.conversation = :conversation AND m.user = b.blocked
       WHERE b.user = :user LIMIT 1`,
    ),
    countUnread: database.prepare(
      `SELECT count(*) AS count FROM entry e
       WHERE e.conversation = :conversation AND e.seq > :after AND e.seq <= :through AND e.kind = ${kindCodes.message}
         AND e.deleted = 0 AND e.sender <> :user AND ${isShown(":user", "e")}`,
    ),
    countDeleted: database.prepare(
      `SELECT count(*) AS count FROM (
         SELECT 1 FROM entry INDEXED BY deleted_message
         WHERE conversation = ? AND seq > ? AND seq <= ? AND deleted = 1 LIMIT ${maxDeleted})`,
    ),
    countMentions: database.prepare(
      `SELECT count(*) AS count FROM (
         SELECT 1 FROM (
           SELECT * FROM (
             SELECT message FROM mention
             WHERE user = :user AND conversation = :conversation AND seq > :after AND seq <= :through
             LIMIT ${maxLookedAtMentions})
           UNION SELECT * FROM (
             SELECT message FROM room_mention
             WHERE conversation = :conversation AND seq > :after AND seq <= :through LIMIT ${maxLookedAtMentions})
         ) n CROSS JOIN entry e ON e.conversation = :conversation AND e.seq = n.message
         WHERE e.sender <> :user AND ${isVisible(":user", "e")} AND ${isTextShown(":user", "e")}
           AND ${namedSince(":user", { conversation: ":conversation", message: "e.seq" })} > :after
         LIMIT ${maxMentions})`,
    ),
    peer: database.prepare(
      `SELECT m.user AS id, m.read_seq AS readSeq,
         u.read_receipts AND me.read_receipts
           AND ${isUnblocked(":user", "m.user", openEnd.toString())}
           AND ${isUnblocked("m.user", ":user", openEnd.toString())} AS sharesReceipts
       FROM member m CROSS JOIN user u ON u.id = m.user CROSS JOIN user me ON me.id = :user
       WHERE m.conversation = :conversation AND m.user <> :user`,
    ),
    cursor: database.prepare(
      `SELECT max(k.position) AS position FROM device d CROSS JOIN consumer k ON k.device = d.id WHERE d.user = ?`,
    ),
    positionOf: database.prepare("SELECT position FROM entry WHERE conversation = ? AND seq = ?"),
  };
}

/** The conversations of a user, from the user's point of view. */
export class ConversationList {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #heads: Heads;
  readonly #pages: LogPages;
  readonly #entries: EntryReader;

  constructor(database: Database, { pages, entries }: { pages: LogPages; entries: EntryReader }) {
    this.#statements = prepareStatements(database);
    this.#heads = database.heads;
    this.#pages = pages;
    this.#entries = entries;
  }

  /**
   * Returns the newest conversations of `user`, a key, before the position `before`; 0 starts with the invitations,
   * which come first. The position of a conversation is that of its newest entry in the user's last stay.
   */
  page(user: number, { before, limit }: { before: number; limit: number }): ListedConversation[] {
    const { invitations, openStays, endedStays } = this.#statements;
    const rest = { user, before: before === 0 ? openEnd : before };
    const listed = [
      ...invitations.all({ ...rest, limit }),
      ...this.#directs({ ...rest, limit }),
      ...openStays.all(rest),
      ...endedStays.all({ ...rest, limit }),
    ] as unknown as ListedConversation[];
    return listed.sort((one, other) => other.position - one.position).slice(0, limit);
  }

  /** Returns more than `limit` conversations rather than too few: the index has old positions of some. */
  #directs({ user, before, limit }: { user: number; before: number; limit: number }): ListedConversation[] {
    const unwritten = this.#heads.unwrittenOf(user);
    const range = { user, before, limit: limit + unwritten.length };
    const indexed = this.#statements.directs.all(range) as unknown as ListedConversation[];
    const moved = unwritten.map(({ id, headPosition }) => ({ conversation: id, position: headPosition }));
    return [
      ...indexed.filter(({ conversation }) => this.#heads.isWritten(conversation)),
      ...moved.filter(({ position }) => position < before),
    ];
  }

  /** Returns the allowance for the summaries of a page. */
  allowance(): Allowance {
    return { entries: maxLookedAt };
  }

  /** Summarizes a conversation for a user, both given by key; undefined if the user has nothing to do with it. */
  *summary(
    user: number,
    conversation: number,
    allowance: Allowance = this.allowance(),
  ): Steps<ConversationSummary | undefined> {
    const row = this.#statements.find.get({ conversation, user }) as unknown as SummaryRow | undefined;
    if (!row) return undefined;
    const stay = this.#statements.newestStay.get(user, conversation) as Stay | undefined;
    // The user was never in the room, and is banned or was invited by a blocked user.
    if (stay === undefined && row.role !== roleCodes.invited) return undefined;
    const headSeq = stay === undefined ? 0 : Math.min(stay.lastSeq, row.headSeq);
    const isRead = row.readSeq >= headSeq;
    const isInvited = row.role === roleCodes.invited;
    return {
      conversation: row.name,
      headSeq,
      position: isInvited ? invitationBase + row.invitedPosition : Math.min(stay!.lastPosition, row.headPosition),
      last: yield* this.#lastMessage(user, row, { headSeq, allowance }),
      room: toRoom(row),
      role: toRole(row.role),
      invitedBy: isInvited ? row.inviter ?? undefined : undefined,
      readSeq: row.readSeq,
      unread: isRead ? 0 : yield* this.#countUnread(user, row, { headSeq, allowance }),
      mentions: isRead ? 0 : this.#countMentions(user, row, headSeq),
      ...this.#peerPositions(user, row),
    };
  }

  /** Returns the last message; undefined also if the allowance ends before it is found. */
  *#lastMessage(
    user: number,
    { id: conversation }: SummaryRow,
    { headSeq, allowance }: { headSeq: number; allowance: Allowance },
  ): Steps<Message | undefined> {
    const maxLookedAt = Math.max(leastLookedAt, allowance.entries);
    const range = { user, conversation, from: 1, to: headSeq, events: false };
    const { positions, cutAt } = yield* this.#pages.newest(range, 1, { maxLookedAt });
    const last = positions.length === 0 ? undefined : this.#entries.readOne(user, positions[0]);
    allowance.entries -= headSeq - (last?.seq ?? cutAt ?? headSeq);
    return last;
  }

  /** Counts unread messages; beyond the allowance, hidden and own messages count, too. */
  *#countUnread(
    user: number,
    row: SummaryRow,
    { headSeq, allowance }: { headSeq: number; allowance: Allowance },
  ): Steps<number> {
    const conversation = row.id;
    const { hasBlocked, countUnread } = this.#statements;
    const after = Math.max(row.readSeq, row.firstSeq - 1);
    const isFiltered = hasBlocked.get({ user, conversation }) !== undefined;
    const looked = Math.min(isFiltered ? countedWithBlocked : countedOneByOne, Math.max(0, allowance.entries));
    const through = Math.min(headSeq, after + looked);
    if (through < headSeq && !isFiltered) return this.#messagesBetween(row, after, headSeq);
    allowance.entries -= through - after;
    let count = 0;
    for (let from = after; from < through; from += countedAtOnce) {
      const range = { after: from, through: Math.min(through, from + countedAtOnce) };
      count += (countUnread.get({ user, conversation, ...range }) as { count: number }).count;
      yield;
    }
    return count + (through < headSeq ? this.#messagesBetween(row, through, headSeq) : 0);
  }

  #messagesBetween(row: SummaryRow, after: number, through: number): number {
    const { count: deleted } = this.#statements.countDeleted.get(row.id, after, through) as { count: number };
    return through - after - (this.#uncountedAt(row, through) - this.#uncountedAt(row, after)) - deleted;
  }

  #uncountedAt(row: SummaryRow, seq: number): number {
    if (seq === row.headSeq) return row.uncounted;
    if (seq === row.readSeq) return row.readUncounted;
    const { uncountedAt } = this.#statements;
    const entry = uncountedAt.get(row.id, seq) as { uncounted: number } | undefined;
    if (entry !== undefined) return entry.uncounted;
    const next = uncountedAt.get(row.id, seq + 1) as { uncounted: number; kind: number } | undefined;
    if (next === undefined) return row.uncounted;
    return next.kind === kindCodes.message ? next.uncounted : next.uncounted - 1;
  }

  #countMentions(user: number, row: SummaryRow, through: number): number {
    const range = { user, conversation: row.id, after: row.readSeq, through };
    return (this.#statements.countMentions.get(range) as { count: number }).count;
  }

  #peerPositions(user: number, row: SummaryRow): { peerReadSeq: number; peerDeliveredSeq: number } {
    const { peer, cursor } = this.#statements;
    const found = row.roomName === null ? peer.get({ user, conversation: row.id }) as PeerRow | undefined : undefined;
    if (found === undefined || found.sharesReceipts === 0) return { peerReadSeq: 0, peerDeliveredSeq: 0 };
    const { position } = cursor.get(found.id) as { position: number | null };
    return {
      peerReadSeq: found.readSeq,
      peerDeliveredSeq: position === null ? 0 : this.#lastSeqBy(row, position),
    };
  }

  /** Finds the seq of the newest entry up to a position by bisection, because positions rise with seq. */
  #lastSeqBy(row: SummaryRow, position: number): number {
    if (position >= row.headPosition) return row.headSeq;
    let low = row.firstSeq - 1;
    let high = row.headSeq - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const found = this.#statements.positionOf.get(row.id, middle) as { position: number } | undefined;
      if (found === undefined || found.position <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** SQL: the inviter of `m`, a row of member, is not blocked by `user`. */
function isInvitationShown(user: string): string {
  return `(m.inviter IS NULL OR ${isUnblocked(user, "m.inviter", openEnd.toString())})`;
}

/** Stands for the settings and members of a private room that a former member does not learn. */
const hidden = { mentionAll: mentionAllByDefault, memberCount: 0 };

/** Converts a row to a room; a former member of a private room sees only its name at the time of leaving. */
function toRoom(row: SummaryRow): Room | undefined {
  if (row.roomName === null) return undefined;
  const { name: id, createdAt } = row;
  if (row.isPublic === 0 && (row.role === roleCodes.left || row.role === roleCodes.banned)) {
    const name = row.leftName ?? "";
    return { id, name, topic: "", isPublic: false, historyVisible: false, ...hidden, createdAt };
  }
  return {
    id,
    name: row.roomName,
    topic: decodeText(row.topic),
    isPublic: row.isPublic !== 0,
    historyVisible: row.historyVisible !== 0,
    mentionAll: toMemberRole(row.mentionAll),
    memberCount: row.members,
    createdAt,
  };
}
