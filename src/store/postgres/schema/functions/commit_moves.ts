import { kindCodes } from "../../../shared/entry_columns.ts";
import { maxOwnRun } from "../../../shared/log_limits.ts";
import { namedSince } from "../../../shared/named_since.ts";
import { headOf } from "../../log/conversation_head.ts";

/** Functions that move delivery cursors and read positions, never back. */
export const moveFunctions: readonly string[] = [
  `
  CREATE OR REPLACE FUNCTION move_cursor_1(change jsonb, head bigint) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    wanted bigint := (change->>'position')::bigint;
  BEGIN
    IF wanted > head THEN
      RAISE EXCEPTION 'The cursor of % cannot be at %: the head is at %', change->>'device', wanted, head;
    END IF;
    INSERT INTO consumer AS c (device, name, position)
      VALUES ((SELECT d.id FROM device d WHERE d.public_id = change->>'device'), change->>'consumer', wanted)
      ON CONFLICT (device, name) DO UPDATE SET position = excluded.position WHERE c.position < excluded.position;
  END $$;
  `,
  // Moves the read position of a user, who need not be a member.
  `
  CREATE OR REPLACE FUNCTION move_read_1(change jsonb) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    reader bigint := (SELECT u.id FROM "user" u WHERE u.name = change->>'user');
    place bigint;
    through bigint;
  BEGIN
    SELECT c.id, least((change->>'seq')::bigint,
        ${headOf("c.id").seq},
        coalesce((SELECT s.last_seq FROM span s WHERE s.user = reader AND s.conversation = c.id
          ORDER BY s.first_seq DESC LIMIT 1), 0))
      INTO place, through FROM conversation c WHERE c.name = change->>'in';
    IF change ? 'ownOnly' AND NOT has_read_others_1(place, reader, through) THEN RETURN; END IF;
    UPDATE member m SET read_seq = through, read_uncounted = coalesce(
        (SELECT e.uncounted FROM entry e WHERE e.conversation = place AND e.seq = through), m.read_uncounted)
      WHERE m.conversation = place AND m.user = reader AND m.read_seq < through;
  END $$;
  `,
  // Whether a member has read all messages of others, and all edits of others that mention them, up to "through".
  `
  CREATE OR REPLACE FUNCTION has_read_others_1(place bigint, reader bigint, through bigint) RETURNS boolean
  LANGUAGE plpgsql AS $$
  DECLARE
    reached bigint := (SELECT m.read_seq FROM member m WHERE m.conversation = place AND m.user = reader);
  BEGIN
    IF reached IS NULL OR through - reached > ${maxOwnRun} THEN RETURN false; END IF;
    RETURN (SELECT 1 FROM entry e WHERE e.conversation = place AND e.seq > reached AND e.seq <= through
        AND e.kind = ${kindCodes.message} AND e.deleted = 0 AND e.sender <> reader LIMIT 1) IS NULL
      AND (SELECT 1 FROM (
          SELECT m.message FROM mention m
          WHERE m.user = reader AND m.conversation = place AND m.seq > reached AND m.seq <= through
          UNION ALL SELECT m.message FROM room_mention m
          WHERE m.conversation = place AND m.seq > reached AND m.seq <= through
        ) n CROSS JOIN LATERAL (SELECT e.seq, e.sender FROM entry e
          WHERE e.conversation = place AND e.seq = n.message LIMIT 1) e
        WHERE e.sender <> reader AND ${namedSince("reader", { conversation: "place", message: "e.seq" })} > reached
        LIMIT 1) IS NULL;
  END $$;
  `,
];
