import { lockKey } from "../fence.ts";

/**
 * SQL that waits for the commit in progress, and keeps others out until the transaction ends. Everything that changes
 * entries, spans or memberships beside commits begins with it: a commit reads them, numbers its entries by them and
 * locks rows in the order of its changes. It comes before all other locks of a transaction, so none waits for another
 * in a circle; and the transaction is one call, so a node that freezes cannot hold it.
 */
export const awaitCommits = `PERFORM pg_advisory_xact_lock(${lockKey("log")})`;

/**
 * A setting of functions that run seldom: their statements are planned at each call, for the tables as they are. A plan
 * from a time when a table was empty would scan all of it (decision 0018).
 */
export const plannedAnew = "SET plan_cache_mode = force_custom_plan";

/** Functions that remove the oldest entries of a conversation. */
export const entryRemovalFunctions: readonly string[] = [
  // Removes a conversation's entries up to a seq, in a transaction that has awaited commits. The heads of the
  // conversation and of the log stay known, so that numbers never start again. Reactions are the caller's; files go by
  // the trigger entry_removed.
  `
  CREATE OR REPLACE FUNCTION remove_entries_1(from_conversation bigint, through bigint) RETURNS bigint
  LANGUAGE plpgsql ${plannedAnew} AS $$
  DECLARE newest entry; removed bigint;
  BEGIN
    SELECT * INTO newest FROM entry e WHERE e.conversation = from_conversation AND e.seq <= through
      ORDER BY e.seq DESC LIMIT 1;
    IF NOT FOUND THEN RETURN 0; END IF;
    UPDATE conversation SET first_seq = newest.seq + 1, kept_seq = newest.seq, kept_uncounted = newest.uncounted,
        kept_position = newest.position
      WHERE id = from_conversation;
    UPDATE log SET kept_position = newest.position
      WHERE kept_position < newest.position AND newest.position = (SELECT e.position FROM entry e ORDER BY e.position DESC LIMIT 1);
    DELETE FROM mention WHERE conversation = from_conversation AND message <= through;
    DELETE FROM room_mention WHERE conversation = from_conversation AND message <= through;
    DELETE FROM pin WHERE conversation = from_conversation AND seq <= through;
    DELETE FROM entry WHERE conversation = from_conversation AND seq <= through;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
  END $$;
  `,
  // Removes at most so many of the oldest entries.
  `
  CREATE OR REPLACE FUNCTION remove_oldest_entries_1(from_conversation bigint, most bigint) RETURNS bigint
  LANGUAGE sql AS $$
    SELECT remove_entries_1(from_conversation, (SELECT max(oldest.seq) FROM (
      SELECT e.seq FROM entry e WHERE e.conversation = from_conversation ORDER BY e.seq LIMIT most) oldest));
  $$;
  `,
];
