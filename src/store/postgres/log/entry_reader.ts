import type { Attachment, Message } from "../../../core/messages/message.ts";
import { decodeText } from "../../shared/column_values.ts";
import { kindCodes } from "../../shared/entry_columns.ts";
import { type EntryRow, toMessage } from "../../shared/entry_row.ts";
import { namedSince } from "../../shared/named_since.ts";
import { type PageLimits, type ReadEntries, sizeBesideText } from "../../shared/page_limits.ts";
import { isPinShown, isReactionShown, isTextShown } from "../../shared/visibility.ts";
import type { Queries } from "../connection/connection.ts";

type ReadRow = EntryRow & {
  readonly attachment: Attachment | null;
  /** Emoji in hexadecimal, counts, and whether the reader is among them; null if there are none, or none wanted. */
  readonly reactions: readonly [emoji: string, count: number, own: boolean][] | null;
  readonly pinned: boolean;
};

const user = "$1::bigint";

/** SQL for the text of an edit, which is stored with its message; only the newest edit has a text. */
const textOfEdit = `(
  SELECT CASE WHEN t.deleted <> 0 THEN ''::bytea WHEN t.edited_seq = e.seq AND ${isTextShown(user, "t")} THEN t.text END
  FROM entry t WHERE t.conversation = e.conversation AND t.seq = e.target LIMIT 1)`;

/** SQL: `e` may name members, by the text of a message or of an edit. */
const mayName =
  `(e.kind = ${kindCodes.edited} OR (e.kind = ${kindCodes.message} AND position('@'::bytea IN e.text) > 0))`;

/** SQL for the visible reactions to `e`, those that were first made first. */
const reactions = `(
  SELECT json_agg(json_build_array(encode(each.emoji, 'hex'), each.count, each.own) ORDER BY each.first)
  FROM (
    SELECT r.emoji, count(*) AS count, bool_or(r.user = ${user}) AS own, min(r.position) AS first
    FROM span s CROSS JOIN reaction r
    WHERE s.user = ${user} AND s.conversation = e.conversation AND s.first_seq <= e.seq AND s.last_seq >= e.seq
      AND r.conversation = e.conversation AND r.seq = e.seq AND ${isReactionShown(user, "r", "s")}
    GROUP BY r.emoji) each)`;

const isPinned = `(
  SELECT 1 FROM pin p JOIN entry pinning ON pinning.position = p.position
  WHERE p.conversation = e.conversation AND p.seq = e.seq AND ${isPinShown(user, "pinning")} LIMIT 1) IS NOT NULL`;

/**
 * The entries at the positions $2, including the first one that does not fit into $3 bytes of text, with reactions and
 * pins if $4. Each LIMIT 1 has the entry found by its key, regardless of statistics, and its text decided once.
 */
export const readStatement = `
SELECT e.position, (SELECT c.name FROM conversation c WHERE c.id = e.conversation) AS conversation, e.seq,
  (SELECT s.name FROM "user" s WHERE s.id = e.sender) AS sender, e.id, e.accepted_at, e.text,
  e.seq - e.uncounted AS ordinal, e.kind, e.target, (SELECT s.name FROM "user" s WHERE s.id = e.subject) AS subject,
  e.edited_at, e.deleted, e.automatic, e.audience,
  CASE WHEN ${mayName} AND e.sender <> ${user} THEN ${
  namedSince(user, {
    conversation: "e.conversation",
    message: `(CASE WHEN e.kind = ${kindCodes.edited} THEN e.target ELSE e.seq END)`,
  })
} END AS named_since,
  CASE WHEN e.file <> 0 THEN (
    SELECT json_build_object('name', f.name, 'mediaType', f.media_type, 'size', f.size, 'sha256', encode(f.sha256, 'hex'))
    FROM file f WHERE f.position = e.position) END AS attachment,
  CASE WHEN $4::boolean THEN ${reactions} END AS reactions,
  CASE WHEN $4::boolean THEN ${isPinned} ELSE false END AS pinned
FROM (
  SELECT found.*, given.place, count(*) OVER earlier AS earlier, sum(octet_length(found.text)) OVER earlier AS earlier_bytes
  FROM unnest($2::bigint[]) WITH ORDINALITY given (position, place)
  CROSS JOIN LATERAL (
    SELECT e.position, e.conversation, e.seq, e.sender, e.id, e.accepted_at, e.uncounted, e.kind, e.target, e.subject,
      e.edited_at, e.deleted, e.file, e.automatic, e.audience,
      CASE WHEN e.kind = ${kindCodes.edited} THEN ${textOfEdit} WHEN ${isTextShown(user, "e")} THEN e.text END AS text
    FROM entry e WHERE e.position = given.position LIMIT 1) found
  WINDOW earlier AS (ORDER BY given.place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
) e
WHERE e.earlier < 2 OR coalesce(e.earlier_bytes, 0) <= $3 ORDER BY e.place`;

/**
 * Reads the entries at `positions`, in this order, for `user`, a key, up to the limits, but always the first entry.
 * @param page.marks reads the reactions and the pin of each entry, too
 */
export async function readEntries(
  queries: Queries,
  user: number,
  { positions, limit, maxBytes, marks = false }: PageLimits & {
    readonly positions: readonly number[];
    readonly marks?: boolean;
  },
): Promise<ReadEntries> {
  const wanted = positions.slice(0, limit);
  if (wanted.length === 0) return { messages: [], isWhole: positions.length === 0 };
  const rows = await queries.query<ReadRow>(readStatement, [user, wanted, maxBytes, marks]);
  const messages: Message[] = [];
  let bytes = 0;
  for (const row of rows) {
    const message = toWholeMessage(row);
    bytes += (row.text?.length ?? 0) + sizeBesideText(message);
    if (messages.length > 0 && bytes > maxBytes) return { messages, isWhole: false };
    messages.push(message);
  }
  return { messages, isWhole: wanted.length === positions.length };
}

function toWholeMessage(row: ReadRow): Message {
  const { attachment, reactions, pinned } = row;
  const message = toMessage(row);
  if (attachment === null && reactions === null && !pinned) return message;
  return {
    ...message,
    ...(attachment && { attachment }),
    ...(reactions && {
      reactions: reactions.map(([emoji, count, own]) => ({ emoji: decodeText(Uint8Array.fromHex(emoji)), count, own })),
    }),
    ...(pinned && { pinned }),
  };
}
