import { lockKey } from "../fence.ts";

/**
 * Writes the newest positions of direct conversations, sorted by key, to their members. There is no join, which might be
 * planned as a loop over all members. Nothing waits for the disk: heads that a crash of PostgreSQL loses are read from
 * the entries when the node, or the next one, connects again.
 */
export const writeHeads = `
CREATE OR REPLACE FUNCTION write_heads_1(conversations bigint[], positions bigint[], through bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(${lockKey("log")});
  PERFORM set_config('synchronous_commit', 'off', true);
  -- The bucket that begins with a conversation is its place in the array.
  UPDATE member m SET head_position = positions[width_bucket(m.conversation, conversations)]
    WHERE m.conversation = ANY (conversations)
      AND m.head_position < positions[width_bucket(m.conversation, conversations)];
  IF through IS NOT NULL THEN UPDATE log SET heads_through = through WHERE heads_through < through; END IF;
END $$;
`;
