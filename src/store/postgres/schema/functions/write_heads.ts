import { lockKey } from "../fence.ts";

/**
 * Writes the newest positions of direct conversations to their members. The plan is a loop over an index, whatever the
 * statistics say (F5). Nothing waits for the disk: heads that a crash of PostgreSQL loses are read from the entries at
 * the next opening.
 */
export const writeHeads = `
CREATE OR REPLACE FUNCTION write_heads_1(conversations bigint[], positions bigint[], through bigint) RETURNS void
LANGUAGE plpgsql SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(${lockKey("log")});
  PERFORM set_config('synchronous_commit', 'off', true);
  UPDATE member m SET head_position = moved.position
    FROM unnest(conversations, positions) moved (conversation, position)
    WHERE m.conversation = moved.conversation AND m.head_position < moved.position;
  IF through IS NOT NULL THEN UPDATE log SET heads_through = through WHERE heads_through < through; END IF;
END $$;
`;
