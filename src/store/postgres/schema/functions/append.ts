import { lockKey } from "../fence.ts";
import { logHead } from "../../log/log_head.ts";

/**
 * Appends plain messages to the log. Each is in the conversation that `targets` has at its `place`, where it is the
 * `ordinal`-th of this call. Returns the first position, and the newest seq and the number of events that each target
 * had before; all NULL, without an effect, if an id is not new or one of `rooms`, targets as well, is gone.
 *
 * Scalar sub-selects with a limit use an index with any statistics.
 */
export const append = `
CREATE OR REPLACE FUNCTION append_1(
  targets bigint[], rooms bigint[], places int[], ordinals int[], senders bigint[], ids uuid[], times bigint[],
  texts bytea[], OUT first bigint, OUT seqs bigint[], OUT events bigint[]
) LANGUAGE plpgsql AS $$
DECLARE spent uuid; broken text;
BEGIN
  -- A statement of its own: those after it see everything that was committed before.
  PERFORM pg_advisory_xact_lock(${lockKey("log")});
  spent := (SELECT s.id FROM spent_id s ORDER BY s.id DESC LIMIT 1);
  IF spent IS NOT NULL AND EXISTS (SELECT FROM unnest(senders, ids) given (sender, id) WHERE given.id <= spent
      AND (SELECT s.position FROM spent_id s WHERE s.id = given.id AND s.sender = given.sender LIMIT 1) IS NOT NULL)
    OR EXISTS (SELECT FROM unnest(rooms) given (key)
      WHERE (SELECT r.conversation FROM room r WHERE r.conversation = given.key LIMIT 1) IS NULL)
  THEN RETURN; END IF;
  WITH head AS MATERIALIZED (
    SELECT given.place, coalesce(
      (SELECT ARRAY[e.seq, e.uncounted] FROM entry e WHERE e.conversation = given.key ORDER BY e.seq DESC LIMIT 1),
      (SELECT ARRAY[c.kept_seq, c.kept_uncounted] FROM conversation c WHERE c.id = given.key)) AS newest
    FROM unnest(targets) WITH ORDINALITY given (key, place)
  )
  SELECT 1 + ${logHead},
    array_agg(h.newest[1] ORDER BY h.place), array_agg(h.newest[2] ORDER BY h.place)
    INTO first, seqs, events FROM head h;
  INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text, uncounted)
    SELECT first - 1 + given.number, targets[given.place], seqs[given.place] + given.ordinal, given.sender, given.id,
      given.accepted_at, given.text, events[given.place]
    FROM unnest(places, ordinals, senders, ids, times, texts)
      WITH ORDINALITY given (place, ordinal, sender, id, accepted_at, text, number);
EXCEPTION WHEN unique_violation THEN
  GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
  IF broken <> 'entry_sender_id_key' THEN RAISE; END IF;
  first := NULL;
  seqs := NULL;
  events := NULL;
END $$;
`;
