import type { Message } from "../../../core/messages/message.ts";
import type { ConversationSummary } from "../../../core/messages/message_store.ts";
import type { Room } from "../../../core/rooms/room.ts";
import { roleCodes, toRole } from "../codes.ts";
import { decodeText } from "../column_values.ts";
import type { Database } from "../database.ts";
import type { Steps } from "../steps.ts";
import { kindCodes } from "./entry_columns.ts";
import type { EntryReader } from "./entry_reader.ts";
import type { LogPages } from "./log_pages.ts";
import { isShown, isTextShown, isUnblocked, openEnd } from "./visibility.ts";

/** Unread messages are counted one by one among so many entries, so that the user's own and hidden ones are left out. */
const countedOneByOne = 500;
/** The same where there is somebody whom the user blocks. */
const countedWithBlocked = 4_096;
/** Entries that are counted in one step. */
const countedAtOnce = 1_024;
/** Mentions are counted up to this. */
const maxMentions = 200;
/** Entries that are looked at for a page of summaries, about. */
const maxLookedAt = 30_000;
/** Entries that are looked at for the last message of each, even then. */
const leastLookedAt = 32;

/** Invitations stand before all entries of logs, so their positions in the list are beyond those of any log. */
export const invitationBase = 2 ** 52;

/** How many entries may still be looked at for a page of summaries. */
interface Allowance {
  entries: number;
}

/** A conversation, by its key, and where it stands in the list. */
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
  /** An invitation by somebody whom the user blocks counts as none. */
  role: number;
  invitedPosition: number;
  /** Of the room, when the user left it. */
  leftName: string | null;
  readSeq: number;
  readUncounted: number;
  inviter: string | null;
  roomName: string | null;
  topic: Uint8Array;
  isPublic: number;
  historyVisible: number;
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
  /** They tell each other what they have got and read. */
  tells: number;
}

function prepareStatements(database: Database) {
  return {
    invitations: database.prepare(
      `SELECT m.conversation, m.invited_position + ${invitationBase} AS position FROM member m
       WHERE m.user = :user AND m.role = ${roleCodes.invited} AND m.invited_position < :before - ${invitationBase}
         AND ${isHeard(":user")}
       ORDER BY m.invited_position DESC LIMIT +:limit`,
    ),
    directs: database.prepare(
      `SELECT m.conversation, m.head_position AS position FROM member m
       WHERE m.user = :user AND m.head_position < :before AND m.head_position > 0
       ORDER BY m.head_position DESC LIMIT +:limit`,
    ),
    openStays: database.prepare(
      `SELECT s.conversation, c.head_position AS position FROM span s CROSS JOIN conversation c ON c.id = s.conversation
       WHERE s.user = :user AND s.room = 1 AND s.last_position = ${openEnd} AND c.head_position < :before`,
    ),
    // Somebody who was invited again stands among the invitations.
    endedStays: database.prepare(
      `SELECT s.conversation, s.last_position AS position FROM span s
       WHERE s.user = :user AND s.room = 1 AND s.last_position < :before
         AND NOT EXISTS (
           SELECT 1 FROM span later
           WHERE later.user = s.user AND later.conversation = s.conversation AND later.first_seq > s.first_seq)
         AND NOT EXISTS (
           SELECT 1 FROM member m
           WHERE m.conversation = s.conversation AND m.user = s.user AND m.role = ${roleCodes.invited}
             AND ${isHeard(":user")})
       ORDER BY s.last_position DESC LIMIT +:limit`,
    ),
    find: database.prepare(
      `SELECT c.id, c.name, c.head_seq AS headSeq, c.head_position AS headPosition, c.uncounted, c.first_seq AS firstSeq,
         CASE WHEN m.role = ${roleCodes.invited} AND NOT ${
        isHeard(":user")
      } THEN ${roleCodes.left} ELSE m.role END AS role,
         m.invited_position AS invitedPosition, m.left_name AS leftName, m.read_seq AS readSeq, m.read_uncounted AS readUncounted,
         (SELECT i.name FROM user i WHERE i.id = m.inviter) AS inviter,
         r.name AS roomName, r.topic, r.public AS isPublic, r.history_visible AS historyVisible, r.members,
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
         AND e.sender <> :user AND ${isShown(":user", "e")}`,
    ),
    countMentions: database.prepare(
      `SELECT count(*) AS count FROM (
         SELECT 1 FROM mention n CROSS JOIN entry e ON e.conversation = n.conversation AND e.seq = n.seq
         WHERE n.user = :user AND n.conversation = :conversation AND n.seq > :after AND n.seq <= :through
           AND e.sender <> :user AND ${isShown(":user", "e")} AND ${isTextShown(":user", "e")}
         LIMIT ${maxMentions})`,
    ),
    peer: database.prepare(
      `SELECT m.user AS id, m.read_seq AS readSeq,
         u.read_receipts AND me.read_receipts
           AND ${isUnblocked(":user", "m.user", openEnd.toString())}
           AND ${isUnblocked("m.user", ":user", openEnd.toString())} AS tells
       FROM member m CROSS JOIN user u ON u.id = m.user CROSS JOIN user me ON me.id = :user
       WHERE m.conversation = :conversation AND m.user <> :user`,
    ),
    cursor: database.prepare(
      `SELECT max(k.position) AS position FROM device d CROSS JOIN consumer k ON k.device = d.id WHERE d.user = ?`,
    ),
    positionOf: database.prepare("SELECT position FROM entry WHERE conversation = ? AND seq = ?"),
  };
}

/** The conversations of a user, as that user sees them. */
export class ConversationList {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #pages: LogPages;
  readonly #entries: EntryReader;

  constructor(database: Database, { pages, entries }: { pages: LogPages; entries: EntryReader }) {
    this.#statements = prepareStatements(database);
    this.#pages = pages;
    this.#entries = entries;
  }

  /**
   * The newest conversations of `user`, a key, before `before`; 0 starts with invitations, which stand before everything else. A conversation
   * stands where its newest entry does, or the newest of the user's last stay in it.
   */
  page(user: number, { before, limit }: { before: number; limit: number }): ListedConversation[] {
    const { invitations, directs, openStays, endedStays } = this.#statements;
    const rest = { user, before: before === 0 ? openEnd : before };
    const listed = [
      ...invitations.all({ ...rest, limit }),
      ...directs.all({ ...rest, limit }),
      ...openStays.all(rest),
      ...endedStays.all({ ...rest, limit }),
    ] as unknown as ListedConversation[];
    return listed.sort((one, other) => other.position - one.position).slice(0, limit);
  }

  /** What may be looked at for the summaries of a page. */
  allowance(): Allowance {
    return { entries: maxLookedAt };
  }

  /** Undefined when there is nothing between the user and the conversation; both are keys. */
  *summary(
    user: number,
    conversation: number,
    allowance: Allowance = this.allowance(),
  ): Steps<ConversationSummary | undefined> {
    const row = this.#statements.find.get({ conversation, user }) as unknown as SummaryRow | undefined;
    if (!row) return undefined;
    const stay = this.#statements.newestStay.get(user, conversation) as Stay | undefined;
    // Banned, or invited by somebody who is blocked, and never been there.
    if (stay === undefined && row.role !== roleCodes.invited) return undefined;
    const headSeq = stay === undefined ? 0 : Math.min(stay.lastSeq, row.headSeq);
    const isRead = row.readSeq >= headSeq;
    const isInvited = row.role === roleCodes.invited;
    return {
      conversation: row.name,
      headSeq,
      position: isInvited ? invitationBase + row.invitedPosition : Math.min(stay!.lastPosition, row.headPosition),
      last: yield* this.#last(user, row, { headSeq, allowance }),
      room: toRoom(row),
      role: toRole(row.role),
      invitedBy: isInvited ? row.inviter ?? undefined : undefined,
      readSeq: row.readSeq,
      unread: isRead ? 0 : yield* this.#unread(user, row, { headSeq, allowance }),
      mentions: isRead ? 0 : this.#mentions(user, row, headSeq),
      ...this.#peer(user, row),
    };
  }

  /** Undefined also when more than may be looked at came after it. */
  *#last(
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

  /** Beyond what is looked at one by one, it is how many messages there are. */
  *#unread(
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
    return through - after - (this.#uncountedAt(row, through) - this.#uncountedAt(row, after));
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

  #mentions(user: number, row: SummaryRow, through: number): number {
    const range = { user, conversation: row.id, after: row.readSeq, through };
    return (this.#statements.countMentions.get(range) as { count: number }).count;
  }

  #peer(user: number, row: SummaryRow): { peerReadSeq: number; peerDeliveredSeq: number } {
    const { peer, cursor } = this.#statements;
    const found = row.roomName === null ? peer.get({ user, conversation: row.id }) as PeerRow | undefined : undefined;
    if (found === undefined || found.tells === 0) return { peerReadSeq: 0, peerDeliveredSeq: 0 };
    const { position } = cursor.get(found.id) as { position: number | null };
    return {
      peerReadSeq: found.readSeq,
      peerDeliveredSeq: position === null ? 0 : this.#lastSeqBy(row, position),
    };
  }

  /** The seq of the newest entry that is not after a position, by halving: positions rise with seq. */
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

/** SQL: the invitation of `m`, a row of member, is not by somebody whom `user` blocks. */
function isHeard(user: string): string {
  return `(m.inviter IS NULL OR ${isUnblocked(user, "m.inviter", openEnd.toString())})`;
}

/** Whoever left a private room learns nothing more of it: only its name as it was then. */
function toRoom(row: SummaryRow): Room | undefined {
  if (row.roomName === null) return undefined;
  const { name: id, createdAt } = row;
  if (row.isPublic === 0 && (row.role === roleCodes.left || row.role === roleCodes.banned)) {
    const name = row.leftName ?? "";
    return { id, name, topic: "", isPublic: false, historyVisible: false, memberCount: 0, createdAt };
  }
  return {
    id,
    name: row.roomName,
    topic: decodeText(row.topic),
    isPublic: row.isPublic !== 0,
    historyVisible: row.historyVisible !== 0,
    memberCount: row.members,
    createdAt,
  };
}
