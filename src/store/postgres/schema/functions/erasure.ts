import { kindCodes } from "../../../shared/entry_columns.ts";
import { awaitCommits, plannedAnew } from "./entry_removal.ts";

/** Functions that erase messages of deleted accounts. */
export const erasureFunctions: readonly string[] = [
  // Blanks at most so many entries of one erased user, in the order of their ids. Returns the number examined; 0 when no
  // user is left.
  `
  CREATE OR REPLACE FUNCTION blank_some_1(most bigint) RETURNS bigint LANGUAGE plpgsql ${plannedAnew} AS $$
  DECLARE next erasure; examined bigint[]; last_id uuid; files bigint[];
  BEGIN
    ${awaitCommits};
    LOOP
      SELECT * INTO next FROM erasure LIMIT 1;
      IF NOT FOUND THEN RETURN 0; END IF;
      SELECT array_agg(e.position), (array_agg(e.id ORDER BY e.id DESC))[1] INTO examined, last_id FROM (
        SELECT e.position, e.id FROM entry e WHERE e.sender = next."user" AND e.id > next.after_id
        ORDER BY e.id LIMIT most) e;
      EXIT WHEN examined IS NOT NULL;
      DELETE FROM erasure WHERE "user" = next."user";
    END LOOP;
    UPDATE erasure SET after_id = last_id WHERE "user" = next."user";
    DELETE FROM reaction r USING entry e WHERE e.position = ANY (examined) AND e.kind = ${kindCodes.message}
      AND r.conversation = e.conversation AND r.seq = e.seq;
    DELETE FROM mention m USING entry e WHERE e.position = ANY (examined) AND e.kind = ${kindCodes.message}
      AND m.conversation = e.conversation AND m.message = e.seq;
    DELETE FROM room_mention m USING entry e WHERE e.position = ANY (examined) AND e.kind = ${kindCodes.message}
      AND m.conversation = e.conversation AND m.message = e.seq;
    DELETE FROM pin p USING entry e WHERE e.position = ANY (examined) AND e.kind = ${kindCodes.message}
      AND p.conversation = e.conversation AND p.seq = e.seq;
    files := ARRAY(SELECT e.position FROM entry e WHERE e.position = ANY (examined) AND e.file = 1);
    DELETE FROM file WHERE position = ANY (files);
    UPDATE entry SET text = '', edited_at = NULL, edited_seq = NULL, deleted = 1
      WHERE position = ANY (examined) AND kind = ${kindCodes.message};
    RETURN cardinality(examined);
  END $$;
  `,
];
