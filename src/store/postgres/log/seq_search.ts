import type { Queries } from "../connection/connection.ts";

/** A search in a range of a conversation, given by key, for the first entry that is not before a value. */
export interface SeqSearch {
  readonly conversation: number;
  /** Lowest seq. */
  readonly from: number;
  /** The seq after the highest. */
  readonly end: number;
  /** A time or a position. */
  readonly value: number;
}

/** The OFFSET has each entry read once, although the result is used twice. */
function firstNotBefore(column: "accepted_at" | "position"): string {
  return `WITH RECURSIVE half (place, conversation, low, high, value) AS (
      SELECT place, conversation, low, high, value FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
        WITH ORDINALITY given (conversation, low, high, value, place)
      UNION ALL
      SELECT place, conversation, CASE WHEN is_before THEN middle + 1 ELSE low END, CASE WHEN is_before THEN high ELSE middle END,
        value
      FROM (
        SELECT half.*, (low + high) / 2 AS middle, coalesce((
          SELECT e.${column} < half.value FROM entry e
          WHERE e.conversation = half.conversation AND e.seq = (half.low + half.high) / 2 LIMIT 1), true) AS is_before
        FROM half WHERE low < high OFFSET 0) looked_at)
    SELECT low AS seq FROM half WHERE low >= high ORDER BY place`;
}

export const seqSearchStatements = {
  accepted_at: firstNotBefore("accepted_at"),
  position: firstNotBefore("position"),
};

/**
 * Returns for each search the first seq whose entry has the value or a higher one, or the end. It halves the range,
 * because positions rise with seq, and times do as long as the clock goes forward; missing entries count as before.
 */
export async function findSeqs(
  queries: Queries,
  column: "accepted_at" | "position",
  searches: readonly SeqSearch[],
): Promise<number[]> {
  const rows = await queries.query<{ seq: number }>(seqSearchStatements[column], [
    searches.map(({ conversation }) => conversation),
    searches.map(({ from }) => from),
    searches.map(({ end }) => end),
    searches.map(({ value }) => value),
  ]);
  return rows.map(({ seq }) => seq);
}
