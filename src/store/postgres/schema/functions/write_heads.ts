import { lockKey } from "../fence.ts";

/**
 * Writes the newest positions of direct conversations to their members. One statement for all would be planned for a
 * small table until statistics say otherwise (F5). Nothing waits for the disk: heads that a crash of PostgreSQL loses
 * are read from the entries at the next opening.
 */
export const writeHeads = `
CREATE OR REPLACE FUNCTION write_heads_1(conversations bigint[], positions bigint[], through bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(${lockKey("log")});
  PERFORM set_config('synchronous_commit', 'off', true);
  FOR place IN 1 .. cardinality(conversations) LOOP
    UPDATE member SET head_position = positions[place]
      WHERE conversation = conversations[place] AND head_position < positions[place];
  END LOOP;
  UPDATE log SET heads_through = through WHERE heads_through < through;
END $$;
`;
