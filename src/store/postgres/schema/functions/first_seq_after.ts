/**
 * Finds the seq of the first entry of a conversation whose position is later than another, between two seqs, the last of
 * which is later. Positions rise with seq, so it searches the index by conversation and seq, first in growing steps down
 * from the last entry, then by bisection: the cost is logarithmic in the number of later entries. Missing entries count
 * as earlier, because only the oldest entries of a conversation are ever removed.
 */
export const firstSeqAfter = `
CREATE OR REPLACE FUNCTION first_seq_after_1(of_conversation bigint, first_seq bigint, last_seq bigint, after bigint)
  RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
  low bigint := first_seq - 1;
  high bigint := last_seq;
  step bigint := 1;
  middle bigint;
BEGIN
  WHILE high - low > 1 LOOP
    middle := CASE WHEN step = 0 THEN (low + high) / 2 ELSE greatest(high - step, low + 1) END;
    IF (SELECT e.position FROM entry e WHERE e.conversation = of_conversation AND e.seq = middle LIMIT 1) > after THEN
      high := middle;
      step := step * 2;
    ELSE
      low := middle;
      step := 0;
    END IF;
  END LOOP;
  RETURN high;
END $$;
`;
