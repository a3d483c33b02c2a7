import { maxHits, minHitsOfQuery } from "../../../shared/found_hits.ts";
import { isSought } from "../../../shared/search_conditions.ts";
import { isTextShown, isVisible } from "../../../shared/visibility.ts";
import { rangeBits, rangeMark } from "../../search/word_vector.ts";

/** The most ranges of positions that one query of the index covers. */
const maxRanges = 256;

/**
 * The hits of a query of the index, newest first; which of them the reader may see is decided as they are read. $1: the
 * words and ranges; $2 and $3: bounds of positions, exclusive; the others as below.
 */
const hits = `
  SELECT h.position, h.long, (
    SELECT 1 FROM entry e WHERE e.position = h.position AND e.deleted = 0
      -- The row of a message that was just changed may be older than the change.
      AND e.edited_seq IS NOT DISTINCT FROM h.edited_seq
      AND e.accepted_at >= $5 AND e.accepted_at < $6 AND ${isVisible("$4", "e")} AND ${isTextShown("$4", "e")}
      AND ${isSought("$4", { mentionsMe: "$7", isUnread: "$8" })}
  ) IS NOT NULL AS found
  FROM (
    SELECT s.position, s.edited_seq, s.long FROM search s
    WHERE s.words @@ $1 AND s.position + 0 > $2 AND s.position + 0 < $3 ORDER BY s.position + 0 DESC OFFSET 0
  ) h`;

export const searchFunctions: readonly string[] = [
  // Returns the first position accepted at a time or later; beyond the last one if there is none. Positions rise with
  // time, apart from corrections of the clock.
  `
  CREATE OR REPLACE FUNCTION first_position_since_1(since bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
  DECLARE low bigint := 1; high bigint; middle bigint; next record;
  BEGIN
    high := coalesce((SELECT e.position FROM entry e ORDER BY e.position DESC LIMIT 1), 0) + 1;
    WHILE low < high LOOP
      middle := (low + high) / 2;
      SELECT e.position, e.accepted_at INTO next FROM entry e WHERE e.position >= middle ORDER BY e.position LIMIT 1;
      IF NOT FOUND OR next.accepted_at >= since THEN high := middle; ELSE low := next.position + 1; END IF;
    END LOOP;
    RETURN low;
  END $$;
  `,
  // Finds the newest messages that the words match and the reader may see, between two positions, exclusive. The index
  // gives all hits of a query at once, so each query covers a few ranges of positions: the newest range first, and more
  // of them while hits are rare. Each query is planned for its words; other plans read all rows, also with statistics.
  // Returns whether each found message is long, and the position down to which the result is complete.
  `
  CREATE OR REPLACE FUNCTION find_messages_1(
    reader bigint, expression text, above bigint, below bigint, accepted_from bigint, accepted_before bigint,
    names_reader boolean, unread boolean, wanted bigint, patience_ms float,
    OUT positions bigint[], OUT longs smallint[], OUT through bigint
  ) LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
  DECLARE
    patient_until timestamptz := clock_timestamp() + patience_ms * interval '1 millisecond';
    hits bigint := 0;
    hits_before bigint;
    ranges bigint := 1;
    first_range bigint := (above + 1) >> ${rangeBits};
    top bigint;
    hit record;
  BEGIN
    positions := '{}';
    longs := '{}';
    top := least(below - 1, coalesce((SELECT s.position FROM search s ORDER BY s.position DESC LIMIT 1), 0)) >> ${rangeBits};
    WHILE top >= first_range LOOP
      hits_before := hits;
      FOR hit IN EXECUTE $hits$ ${hits} $hits$
        USING (expression || ' & (' || (
          SELECT string_agg(${
    rangeMark("n")
  }, ' | ') FROM generate_series(greatest(first_range, top - ranges + 1), top) n
        ) || ')')::tsquery, above, below, reader, accepted_from, accepted_before, names_reader, unread
      LOOP
        hits := hits + 1;
        IF hit.found THEN
          positions := positions || hit.position;
          longs := longs || hit.long;
        END IF;
        IF cardinality(positions) >= wanted OR (hits >= ${minHitsOfQuery}
          AND (hits >= ${maxHits} OR clock_timestamp() > patient_until))
        THEN
          through := hit.position;
          RETURN;
        END IF;
      END LOOP;
      top := top - ranges;
      ranges := least(ranges * 4, ${maxRanges}, greatest(1, ranges * ${maxHits / 2} / greatest(1, hits - hits_before)));
      -- Without a hit, too.
      IF top >= first_range AND clock_timestamp() > patient_until THEN
        through := (top + 1) << ${rangeBits};
        RETURN;
      END IF;
    END LOOP;
    through := 0;
  END $$;
  `,
  // Writes a turn of the indexer, which a crash may undo as a whole. Has no effect if one undid the turn before, which
  // ended at "since".
  `
  CREATE OR REPLACE FUNCTION index_messages_1(
    added bigint[], edits bigint[], long_ones smallint[], vectors text[], removed bigint[], marks bigint[], since bigint,
    reached bigint
  ) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    IF (SELECT c.position FROM search_cursor c) <> since THEN RETURN; END IF;
    PERFORM set_config('synchronous_commit', 'off', true);
    DELETE FROM search_again a WHERE a.mark = ANY (marks);
    DELETE FROM search s WHERE s.position = ANY (removed);
    INSERT INTO search AS s (position, edited_seq, long, words)
      SELECT n.position, n.edited_seq, n.long, n.vector::tsvector
      FROM unnest(added, edits, long_ones, vectors) AS n (position, edited_seq, long, vector)
      ON CONFLICT (position) DO UPDATE SET edited_seq = excluded.edited_seq, long = excluded.long, words = excluded.words;
    UPDATE search_cursor c SET position = reached WHERE c.position <> reached;
  END $$;
  `,
];
