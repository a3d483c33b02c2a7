import { isolationState, lockKey } from "../fence.ts";
import { logHead } from "../../log/log_head.ts";

/** Classes of SQLSTATE that fail a whole commit, rather than one change: those of the database, and of the fence. */
const commonFailures = ["08", "40", "53", "55", "57", "58", "CH", "XX"];

/** The SQLSTATE of a change that names a user who does not exist. */
export const unknownUserState = "NU001";

/**
 * The functions of a commit. A change is an object of `encodeChanges`, and its result one that `decodeResult` takes.
 * Everything that one of them checks is read after the lock was taken, and stays as it is until the commit: see
 * `lockKey`.
 */
export const commitFunctions: readonly string[] = [
  // Makes changes in their order, and returns a result for each. "apart": a change that fails does not fail the others.
  // "texts" has the texts of all changes, whose sizes are in bytes. A change is parsed on its own, because jsonb takes
  // neither a NUL nor half a character.
  `
  CREATE OR REPLACE FUNCTION commit_1(changes json, sizes int[], texts bytea, apart boolean)
  RETURNS TABLE (result jsonb) LANGUAGE plpgsql AS $$
  DECLARE
    change json;
    place int := 0;
    reached int := 1;
    head bigint;
  BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'commits need the isolation level read committed' USING ERRCODE = '${isolationState}';
    END IF;
    -- A statement of its own: those after it see everything that was committed before.
    PERFORM pg_advisory_xact_lock(${lockKey("log")});
    head := ${logHead};
    FOR change IN SELECT value FROM json_array_elements(changes) LOOP
      place := place + 1;
      IF apart THEN
        BEGIN
          result := commit_change_1(change::jsonb, substr(texts, reached, sizes[place]), head);
        EXCEPTION WHEN OTHERS THEN
          IF left(SQLSTATE, 2) = ANY ('{${commonFailures}}') THEN RAISE; END IF;
          result := jsonb_build_object('kind', 'failed', 'state', SQLSTATE, 'reason', SQLERRM);
        END;
      ELSE
        result := commit_change_1(change::jsonb, substr(texts, reached, sizes[place]), head);
      END IF;
      IF result->>'kind' = 'accepted' THEN head := head + 1; END IF;
      reached := reached + sizes[place];
      RETURN NEXT;
    END LOOP;
  END $$;
  `,
  `
  CREATE OR REPLACE FUNCTION commit_change_1(change jsonb, body bytea, head bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
  BEGIN
    CASE change->>'change'
      WHEN 'append' THEN RETURN commit_append_1(change, body, head);
      WHEN 'move_read' THEN PERFORM move_read_1(change);
      WHEN 'move_cursor' THEN PERFORM move_cursor_1(change, head);
    END CASE;
    RETURN '{"kind":"moved"}';
  END $$;
  `,
  `
  CREATE OR REPLACE FUNCTION user_key_1(wanted text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
  DECLARE key bigint := (SELECT u.id FROM "user" u WHERE u.name = wanted);
  BEGIN
    IF key IS NULL THEN
      RAISE EXCEPTION 'There is no user "%".', wanted USING ERRCODE = '${unknownUserState}';
    END IF;
    RETURN key;
  END $$;
  `,
];
