import type { Message } from "../../../core/messages/message.ts";
import type { ConversationSummary } from "../../../core/messages/message_store.ts";
import { roleCodes } from "../../shared/codes.ts";
import {
  invitationBase,
  isInvitationShown,
  outlineOf,
  type Stay,
  summaryColumns,
  summaryLimits,
  type SummaryRow,
} from "../../shared/conversation_summary.ts";
import type { Database } from "../database.ts";
import type { Steps } from "../steps.ts";
import { kindCodes } from "../../shared/entry_columns.ts";
import type { EntryReader } from "./entry_reader.ts";
import { headOf, type Heads } from "./heads.ts";
import type { LogPages } from "./log_pages.ts";
import { namedSince } from "../../shared/named_since.ts";
import { isShown, isTextShown, isUnblocked, isVisible, openEnd } from "../../shared/visibility.ts";

/** Entries to count per step. */
const countedAtOnce = 1_024;

/** The number of entries that may still be examined for a page of summaries. */
interface Allowance {
  entries: number;
}

/** A conversation, by its key, with its position in the list. */
export interface ListedConversation {
  readonly conversation: number;
  readonly position: number;
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
      `SELECT ${summaryColumns(":user")}, ${headOf.seq} AS headSeq, ${headOf.position} AS headPosition,
         ${headOf.uncounted} AS uncounted
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
         WHERE conversation = ? AND seq > ? AND seq <= ? AND deleted = 1 LIMIT ${summaryLimits.deleted})`,
    ),
    countMentions: database.prepare(
      `SELECT count(*) AS count FROM (
         SELECT 1 FROM (
           SELECT * FROM (
             SELECT message FROM mention
             WHERE user = :user AND conversation = :conversation AND seq > :after AND seq <= :through
             LIMIT ${summaryLimits.examinedMentions})
           UNION SELECT * FROM (
             SELECT message FROM room_mention
             WHERE conversation = :conversation AND seq > :after AND seq <= :through LIMIT ${summaryLimits.examinedMentions})
         ) n CROSS JOIN entry e ON e.conversation = :conversation AND e.seq = n.message
         WHERE e.sender <> :user AND ${isVisible(":user", "e")} AND ${isTextShown(":user", "e")}
           AND ${namedSince(":user", { conversation: ":conversation", message: "e.seq" })} > :after
         LIMIT ${summaryLimits.mentions})`,
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
    return { entries: summaryLimits.entries };
  }

  /** Summarizes a conversation for a user, both given by key; undefined if the user has nothing to do with it. */
  *summary(
    user: number,
    conversation: number,
    allowance: Allowance = this.allowance(),
  ): Steps<ConversationSummary | undefined> {
    const row = this.#statements.find.get({ conversation, user }) as unknown as SummaryRow | undefined;
    if (!row) return undefined;
    const outline = outlineOf(row, this.#statements.newestStay.get(user, conversation) as Stay | undefined);
    if (outline === undefined) return undefined;
    const { headSeq } = outline;
    const isRead = row.readSeq >= headSeq;
    return {
      ...outline,
      last: yield* this.#lastMessage(user, row, { headSeq, allowance }),
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
    const maxLookedAt = Math.max(summaryLimits.leastEntries, allowance.entries);
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
    const { countedOneByOne, countedWithBlocked } = summaryLimits;
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
