import { summaryLimits, type SummaryRow } from "../../shared/conversation_summary.ts";
import { kindCodes } from "../../shared/entry_columns.ts";
import { namedSince } from "../../shared/named_since.ts";
import { isShown, isTextShown, isVisible } from "../../shared/visibility.ts";
import type { Queries } from "../connection/connection.ts";

/** The entries after the read position of a conversation, up to the head that the user may see. */
export interface UnreadPart {
  readonly row: SummaryRow;
  /** Entries after this seq are unread. */
  readonly after: number;
  /** Messages up to this seq are counted one by one, to exclude own and hidden ones. */
  readonly through: number;
  readonly headSeq: number;
}

export interface UnreadCount {
  readonly unread: number;
  readonly mentions: number;
}

const { deleted, mentions, examinedMentions } = summaryLimits;
const user = "$1::bigint";

/** SQL for the number of events up to `seq`: the known one, or that of its entry, or that of the next entry. */
function uncountedAt(seq: string, known: string): string {
  return `coalesce(${known},
    (SELECT e.uncounted FROM entry e WHERE e.conversation = part.conversation AND e.seq = ${seq} LIMIT 1),
    (SELECT CASE WHEN e.kind = ${kindCodes.message} THEN e.uncounted ELSE e.uncounted - 1 END FROM entry e
      WHERE e.conversation = part.conversation AND e.seq = ${seq} + 1 LIMIT 1),
    part.uncounted)`;
}

export const unreadStatement = `SELECT
    (SELECT count(*) FROM entry e
      WHERE e.conversation = part.conversation AND e.seq > part.after AND e.seq <= part.through
        AND e.kind = ${kindCodes.message} AND e.deleted = 0 AND e.sender <> ${user} AND ${isShown(user, "e")})
    + CASE WHEN part.through < part.head THEN part.head - part.through
      - (${uncountedAt("part.head", "part.head_uncounted")} - ${uncountedAt("part.through", "part.through_uncounted")})
      - (SELECT count(*) FROM (
          SELECT 1 FROM entry e
          WHERE e.conversation = part.conversation AND e.seq > part.through AND e.seq <= part.head AND e.deleted = 1
          LIMIT ${deleted}) counted)
      ELSE 0 END AS unread,
    (SELECT count(*) FROM (
      SELECT 1 FROM (
        (SELECT n.message FROM mention n
          WHERE n.user = ${user} AND n.conversation = part.conversation AND n.seq > part.read AND n.seq <= part.head
          ORDER BY n.seq LIMIT ${examinedMentions})
        UNION (SELECT n.message FROM room_mention n
          WHERE n.conversation = part.conversation AND n.seq > part.read AND n.seq <= part.head
          ORDER BY n.seq LIMIT ${examinedMentions})
      ) n
      CROSS JOIN LATERAL (
        SELECT 1 FROM entry e
        WHERE e.conversation = part.conversation AND e.seq = n.message AND e.sender <> ${user}
          AND ${isVisible(user, "e")} AND ${isTextShown(user, "e")}
          AND ${namedSince(user, { conversation: "part.conversation", message: "e.seq" })} > part.read
        LIMIT 1) named
      LIMIT ${mentions}) counted) AS mentions
  FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
    WITH ORDINALITY part (conversation, read, after, through, head, through_uncounted, head_uncounted, uncounted, place)
  ORDER BY part.place`;

/** Counts the unread messages and the mentions of `user`, a key, in each part. */
export async function countUnread(
  queries: Queries,
  user: number,
  parts: readonly UnreadPart[],
): Promise<UnreadCount[]> {
  if (parts.length === 0) return [];
  return await queries.query<UnreadCount>(unreadStatement, [
    user,
    parts.map(({ row }) => row.id),
    parts.map(({ row }) => row.readSeq),
    parts.map(({ after }) => after),
    parts.map(({ through }) => through),
    parts.map(({ headSeq }) => headSeq),
    parts.map(({ row, through }) => knownUncounted(row, through)),
    parts.map(({ row, headSeq }) => knownUncounted(row, headSeq)),
    parts.map(({ row }) => row.uncounted),
  ]);
}

/** Their entries may have been removed. */
function knownUncounted(row: SummaryRow, seq: number): number | null {
  return seq === row.headSeq ? row.uncounted : seq === row.readSeq ? row.readUncounted : null;
}
