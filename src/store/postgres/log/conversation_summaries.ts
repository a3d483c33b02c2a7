import type { Message } from "../../../core/messages/message.ts";
import type { ConversationSummary } from "../../../core/messages/message_store.ts";
import {
  outlineOf,
  summaryColumns,
  summaryLimits,
  type SummaryOutline,
  type SummaryRow,
} from "../../shared/conversation_summary.ts";
import { isUnblocked, openEnd } from "../../shared/visibility.ts";
import type { Queries } from "../connection/connection.ts";
import { headOf } from "./conversation_head.ts";
import { readEntries } from "./entry_reader.ts";
import type { LogPages } from "./log_pages.ts";
import { findSeqs } from "./seq_search.ts";
import { countUnread, type UnreadCount, type UnreadPart } from "./unread_counts.ts";

type Row = SummaryRow & {
  /** The end of the user's last stay; null without one. */
  readonly lastSeq: number | null;
  readonly lastPosition: number | null;
  /** Whether the user blocked a member; false if all is read. */
  readonly hasBlocked: boolean;
  /** The read position of the other user of a direct conversation; null if one of both hides it. */
  readonly peerReadSeq: number | null;
  /** The newest position that was delivered to them; null before the first one. */
  readonly peerPosition: number | null;
};

/** A conversation that the user has to do with. */
interface Summary {
  readonly row: Row;
  readonly outline: SummaryOutline;
}

/** The number of entries that may still be examined. */
interface Allowance {
  entries: number;
}

const user = "$1::bigint";

/** SQL: the user and `other`, a row of member, share receipts with each other. */
const sharesReceipts = `(SELECT u.read_receipts FROM "user" u WHERE u.id = other.user LIMIT 1) = 1
  AND (SELECT u.read_receipts FROM "user" u WHERE u.id = ${user} LIMIT 1) = 1
  AND ${isUnblocked(user, "other.user", openEnd.toString())}
  AND ${isUnblocked("other.user", user, openEnd.toString())}`;

/** Each LIMIT 1 has its row found by the key, with any statistics. */
export const summaryStatement = `SELECT ${
  summaryColumns(user)
}, head.seq AS "headSeq", head.position AS "headPosition", head.uncounted,
    stay.last_seq AS "lastSeq", stay.last_position AS "lastPosition",
    CASE WHEN m.read_seq < head.seq THEN (
      SELECT 1 FROM block b
      WHERE b.user = ${user} AND (
        SELECT 1 FROM member other WHERE other.conversation = c.id AND other.user = b.blocked LIMIT 1) = 1
      LIMIT 1) IS NOT NULL ELSE false END AS "hasBlocked",
    peer.read_seq AS "peerReadSeq", peer.position AS "peerPosition"
  FROM unnest($2::bigint[]) WITH ORDINALITY given (conversation, place)
    CROSS JOIN LATERAL (SELECT * FROM conversation WHERE id = given.conversation LIMIT 1) c
    CROSS JOIN LATERAL (
      SELECT * FROM member WHERE member.conversation = given.conversation AND member.user = ${user} LIMIT 1) m
    CROSS JOIN LATERAL (
      SELECT ${headOf("given.conversation").seq} AS seq, ${headOf("given.conversation").position} AS position,
        ${headOf("given.conversation").uncounted} AS uncounted LIMIT 1) head
    LEFT JOIN LATERAL (SELECT * FROM room WHERE room.conversation = given.conversation LIMIT 1) r ON true
    LEFT JOIN LATERAL (
      SELECT s.last_seq, s.last_position FROM span s WHERE s.user = ${user} AND s.conversation = given.conversation
      ORDER BY s.first_seq DESC LIMIT 1) stay ON true
    LEFT JOIN LATERAL (
      SELECT other.read_seq, (
        SELECT max((SELECT max(k.position) FROM consumer k WHERE k.device = d.id)) FROM device d
        WHERE d.user = other.user) AS position
      FROM member other
      WHERE m.room = 0 AND other.conversation = given.conversation AND other.user <> ${user} AND ${sharesReceipts}
      LIMIT 1) peer ON true
  ORDER BY given.place`;

/** Summarizes conversations for a user, in a few statements for all of them. */
export class ConversationSummaries {
  readonly #pages: LogPages;

  constructor(pages: LogPages) {
    this.#pages = pages;
  }

  /**
   * Returns the summaries of the conversations `keys` for `user`, a key, in this order, without those that the user has
   * nothing to do with: the first ones whose last messages have at most `maxBytes` of text beyond the first. Those in
   * `positions` keep that position, from which the next page continues: a list may not have their newest entries yet.
   */
  async of(
    queries: Queries,
    user: number,
    { keys, positions: places, maxBytes }: {
      keys: readonly number[];
      positions?: ReadonlyMap<number, number>;
      maxBytes: number;
    },
  ): Promise<{ conversations: ConversationSummary[]; isWhole: boolean }> {
    if (keys.length === 0) return { conversations: [], isWhole: true };
    const rows = await queries.query<Row>(summaryStatement, [user, keys]);
    const all = rows.flatMap((row) => {
      const { lastSeq, lastPosition } = row;
      const outline = outlineOf(row, lastSeq === null ? undefined : { lastSeq, lastPosition: lastPosition! });
      return outline === undefined ? [] : [{ row, outline }];
    });
    const allowance = { entries: summaryLimits.entries };
    const positions = await this.#newestMessages(queries, user, { all, allowance });
    const { messages, isWhole } = await readEntries(queries, user, {
      positions: positions.filter((position) => position !== undefined),
      limit: positions.length,
      maxBytes,
    });
    const lasts = new Map(messages.map((message) => [message.position, message]));
    const fitting = isWhole ? all : all.slice(0, firstMissing(positions, lasts));
    const unread = await countAllUnread(queries, user, { all: fitting, allowance });
    const delivered = await findDelivered(queries, fitting);
    const conversations = fitting.map(({ row, outline }, index) => ({
      ...outline,
      position: places?.get(row.id) ?? outline.position,
      last: lasts.get(positions[index] ?? 0),
      unread: unread.get(row)?.unread ?? 0,
      mentions: unread.get(row)?.mentions ?? 0,
      peerReadSeq: row.peerReadSeq ?? 0,
      peerDeliveredSeq: delivered.get(row) ?? 0,
    }));
    return { conversations, isWhole };
  }

  /**
   * Finds the positions of the last messages, first among a few entries of each conversation, and then, where all of
   * them are hidden or events, among as many as the allowance permits to each; undefined for those not found.
   */
  async #newestMessages(
    queries: Queries,
    user: number,
    { all, allowance }: { all: readonly Summary[]; allowance: Allowance },
  ): Promise<(number | undefined)[]> {
    const { leastEntries } = summaryLimits;
    const least = Math.min(leastEntries, this.#pages.maxLookedAt);
    const parts = all.map(({ row, outline }) => ({ conversation: row.id, to: outline.headSeq }));
    const found = await this.#pages.newestMessages(queries, user, { parts, maxLookedAt: least });
    for (const [index, { to }] of parts.entries()) allowance.entries -= to - (found[index]?.seq ?? to);
    const cut = [...found.keys()].filter((index) => found[index] !== undefined && found[index].position === undefined);
    const share = Math.floor(Math.max(0, allowance.entries) / cut.length);
    const maxLookedAt = Math.min(this.#pages.maxLookedAt - least, share);
    if (cut.length > 0 && maxLookedAt > 0) {
      const rest = cut.map((index) => ({ conversation: parts[index].conversation, to: found[index]!.seq }));
      const older = await this.#pages.newestMessages(queries, user, { parts: rest, maxLookedAt });
      for (const [place, { to }] of rest.entries()) {
        allowance.entries -= to - (older[place]?.seq ?? to);
        found[cut[place]] = older[place];
      }
    }
    return found.map((newest) => newest?.position);
  }
}

/** The index of the first position whose message was not read. */
function firstMissing(positions: readonly (number | undefined)[], read: ReadonlyMap<number, Message>): number {
  return positions.findIndex((position) => position !== undefined && !read.has(position));
}

/** Counts unread messages and mentions; beyond the allowance, hidden and own messages count, too. */
async function countAllUnread(
  queries: Queries,
  user: number,
  { all, allowance }: { all: readonly Summary[]; allowance: Allowance },
): Promise<Map<Row, UnreadCount>> {
  const { countedOneByOne, countedWithBlocked } = summaryLimits;
  const parts: (UnreadPart & { row: Row })[] = [];
  for (const { row, outline: { headSeq } } of all) {
    if (row.readSeq >= headSeq) continue;
    const after = Math.max(row.readSeq, row.firstSeq - 1);
    const most = row.hasBlocked ? countedWithBlocked : countedOneByOne;
    const end = Math.min(headSeq, after + Math.min(most, Math.max(0, allowance.entries)));
    // Without a blocked member the numbers of the entries give the count.
    const through = end < headSeq && !row.hasBlocked ? after : end;
    allowance.entries -= through - after;
    parts.push({ row, after, through, headSeq });
  }
  const counts = await countUnread(queries, user, parts);
  return new Map(parts.map(({ row }, index) => [row, counts[index]]));
}

/** Finds the newest seqs that were delivered to the other users of direct conversations. */
async function findDelivered(queries: Queries, all: readonly Summary[]): Promise<Map<Row, number>> {
  const delivered = new Map<Row, number>();
  const searched: Row[] = [];
  for (const { row } of all) {
    if (row.peerPosition === null) continue;
    if (row.peerPosition >= row.headPosition) delivered.set(row, row.headSeq);
    else searched.push(row);
  }
  if (searched.length === 0) return delivered;
  const searches = searched.map(({ id, firstSeq, headSeq, peerPosition }) => {
    return { conversation: id, from: firstSeq, end: headSeq, value: peerPosition! + 1 };
  });
  const seqs = await findSeqs(queries, "position", searches);
  for (const [index, row] of searched.entries()) delivered.set(row, seqs[index] - 1);
  return delivered;
}
