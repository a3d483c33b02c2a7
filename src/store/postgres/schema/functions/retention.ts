import { headOf } from "../../log/conversation_head.ts";
import { awaitCommits, plannedAnew } from "./entry_removal.ts";

/** Entries with a time ahead of the clock to skip in one conversation. */
const mostAhead = 10_000;

/** SQL: joins the rule of the conversation `c` as `r`: its own, or else that of all conversations, whose key is 0. */
export const rule = `LEFT JOIN LATERAL (
  SELECT any_rule.max_age, any_rule.max_entries FROM retention any_rule WHERE any_rule.conversation = coalesce((
    SELECT own.conversation FROM retention own WHERE own.conversation = c.id), 0)
  LIMIT 1) r ON true`;

/** Functions that apply retention rules. */
export const retentionFunctions: readonly string[] = [
  // Returns the seq up to which at most so many entries are due; null if none is. An entry with a time ahead of the
  // clock counts as old if an old entry follows.
  `
  CREATE OR REPLACE FUNCTION due_through_1(of_conversation bigint, now_ms bigint, most bigint) RETURNS bigint
  STABLE LANGUAGE plpgsql AS $$
  DECLARE first bigint; head bigint; age bigint; entries bigint; through bigint; credible entry; young bigint;
  BEGIN
    SELECT c.first_seq, ${headOf("c.id").seq}, r.max_age, r.max_entries INTO first, head, age, entries
      FROM conversation c ${rule} WHERE c.id = of_conversation;
    most := least(head, first + most - 1);
    through := CASE WHEN entries IS NULL THEN first - 1 ELSE least(most, head - entries) END;
    IF through < most AND age IS NOT NULL THEN
      SELECT * INTO credible FROM entry e WHERE e.conversation = of_conversation
          AND e.seq BETWEEN first AND first + ${mostAhead} AND e.accepted_at <= now_ms
        ORDER BY e.seq LIMIT 1;
      IF credible.accepted_at < now_ms - age THEN
        IF credible.seq > first THEN
          through := greatest(through, least(most, credible.seq));
        ELSE
          SELECT e.seq INTO young FROM entry e
            WHERE e.conversation = of_conversation AND e.seq BETWEEN first AND most AND e.accepted_at >= now_ms - age
            ORDER BY e.seq LIMIT 1;
          through := greatest(through, coalesce(young - 1, most));
        END IF;
      END IF;
    END IF;
    RETURN CASE WHEN through >= first THEN through END;
  END $$;
  `,
  // Removes at most so many of the oldest due entries, with everything that belongs to them, and keeps the ids from
  // one on. Returns their number.
  `
  CREATE OR REPLACE FUNCTION remove_due_1(from_conversation bigint, now_ms bigint, most bigint, oldest_id uuid)
  RETURNS bigint LANGUAGE plpgsql ${plannedAnew} AS $$
  DECLARE through bigint; newest entry;
  BEGIN
    ${awaitCommits};
    through := due_through_1(from_conversation, now_ms, most);
    IF through IS NULL THEN RETURN 0; END IF;
    INSERT INTO spent_id (id, sender, position, conversation, seq, accepted_at)
      SELECT e.id, e.sender, e.position, e.conversation, e.seq, e.accepted_at FROM entry e
      WHERE e.conversation = from_conversation AND e.seq <= through AND e.id >= oldest_id
      ON CONFLICT DO NOTHING;
    DELETE FROM reaction WHERE conversation = from_conversation AND seq <= through;
    -- Removed messages do not count as unread. The order of direct conversations is read from entries after a crash,
    -- so it is written before they go.
    SELECT * INTO newest FROM entry e WHERE e.conversation = from_conversation AND e.seq = through;
    UPDATE member m SET
        read_seq = greatest(m.read_seq, through),
        read_uncounted = CASE WHEN m.read_seq < through THEN newest.uncounted ELSE m.read_uncounted END,
        head_position = CASE m.room WHEN 0 THEN greatest(m.head_position, newest.position) ELSE m.head_position END
      WHERE m.conversation = from_conversation
        AND (m.read_seq < through OR (m.room = 0 AND m.head_position < newest.position));
    RETURN remove_entries_1(from_conversation, through);
  END $$;
  `,
  // Forgets at most so many of the ids before one. Returns their number.
  `
  CREATE OR REPLACE FUNCTION forget_spent_ids_1(before uuid, most bigint) RETURNS bigint
  LANGUAGE plpgsql ${plannedAnew} AS $$
  DECLARE forgotten bigint;
  BEGIN
    DELETE FROM spent_id WHERE ctid = ANY (ARRAY(
      SELECT s.ctid FROM spent_id s WHERE s.id < before ORDER BY s.id LIMIT most));
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
  END $$;
  `,
];
