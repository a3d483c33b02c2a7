import { audienceCodes } from "../../../shared/codes.ts";

const { here, room } = audienceCodes;

/** Functions that write the mentions of a message or of its edit, and return the readers that it names. */
export const mentionFunctions: readonly string[] = [
  `
  CREATE OR REPLACE FUNCTION add_mentions_1(added entry, change jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
  BEGIN
    RETURN write_mentions_1(added, change, added.seq, ARRAY(SELECT jsonb_array_elements_text(change->'here')));
  END $$;
  `,
  // Replaces the mentions of a message by those of an edit. A member that it named before stays named from then on, and
  // a new mention counts from the edit on. The members who were online when the message said "@here" stay named by it.
  `
  CREATE OR REPLACE FUNCTION change_mentions_1(added entry, change jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
  DECLARE
    was_here boolean := (SELECT e.audience = ${here} FROM entry e
      WHERE e.conversation = added.conversation AND e.seq = added.target);
    before record;
    before_all bigint;
  BEGIN
    WITH removed AS (DELETE FROM mention m WHERE m.conversation = added.conversation AND m.message = added.target
        RETURNING (SELECT u.name FROM "user" u WHERE u.id = m.user) AS name, m.seq, m.here)
      SELECT array_agg(r.name) AS names, array_agg(r.seq) AS seqs,
        coalesce(array_agg(r.name) FILTER (WHERE r.here = 1), '{}') AS present INTO before FROM removed r;
    DELETE FROM room_mention m WHERE m.conversation = added.conversation AND m.message = added.target
      RETURNING m.seq INTO before_all;
    RETURN write_mentions_1(added, change, added.target,
      CASE WHEN was_here THEN before.present ELSE ARRAY(SELECT jsonb_array_elements_text(change->'here')) END,
      before.names, before.seqs, before_all);
  END $$;
  `,
  // Writes the mentions that "added" makes, where "@here" names the users "present". "before" are those of the message
  // before an edit: names, with the seqs from which it has named them, and the seq from which it has named all members.
  `
  CREATE OR REPLACE FUNCTION write_mentions_1(added entry, change jsonb, message bigint, present text[],
    before_names text[] DEFAULT '{}', before_seqs bigint[] DEFAULT '{}', before_all bigint DEFAULT NULL)
  RETURNS jsonb LANGUAGE plpgsql AS $$
  DECLARE
    others text;
    users jsonb;
  BEGIN
    IF added.audience <> ${here} THEN present := '{}'; END IF;
    WITH wanted AS (
        SELECT jsonb_array_elements_text(change->'mentions') AS name UNION SELECT unnest(present)
        -- "@room" names the earlier named members too, who stay named from before.
        UNION SELECT unnest(before_names) WHERE added.audience = ${room}),
      placed AS MATERIALIZED (SELECT w.name, coalesce(
          (SELECT b.seq FROM unnest(before_names, before_seqs) b(name, seq) WHERE b.name = w.name), before_all) AS since
        FROM wanted w),
      written AS (INSERT INTO mention ("user", conversation, seq, message, here)
        SELECT user_key_1(p.name), added.conversation, coalesce(p.since, added.seq), message, (p.name = ANY (present))::int
        FROM placed p)
      SELECT jsonb_object_agg(p.name, CASE WHEN p.since IS NULL THEN 'new' ELSE 'kept' END) INTO users FROM placed p;
    IF added.audience = ${room} THEN
      INSERT INTO room_mention (conversation, seq, message)
        VALUES (added.conversation, coalesce(before_all, added.seq), message);
      others := CASE WHEN before_all IS NULL THEN 'new' ELSE 'kept' END;
    END IF;
    RETURN CASE WHEN users IS NOT NULL OR others IS NOT NULL
      THEN jsonb_build_object('users', coalesce(users, '{}'), 'others', others) END;
  END $$;
  `,
];
