import { roleCodes } from "../../../shared/codes.ts";
import { isUnblocked, openEnd } from "../../../shared/visibility.ts";
import { awaitCommits, plannedAnew } from "./entry_removal.ts";

/** Functions that change rooms beside commits. */
export const roomRemovalFunctions: readonly string[] = [
  // Deletes a room for its members, with its first entries. The row of the conversation stays, for its numbers.
  `
  CREATE OR REPLACE FUNCTION delete_room_1(room_id text, entries bigint) RETURNS boolean
  LANGUAGE plpgsql ${plannedAnew} AS $$
  DECLARE deleted bigint;
  BEGIN
    ${awaitCommits};
    SELECT r.conversation INTO deleted FROM room r
      WHERE r.conversation = (SELECT c.id FROM conversation c WHERE c.name = room_id);
    IF NOT FOUND THEN RETURN false; END IF;
    -- Keys of spans begin with the user, so the members are listed.
    DELETE FROM span s WHERE s.conversation = deleted
      AND s."user" = ANY (ARRAY(SELECT m."user" FROM member m WHERE m.conversation = deleted));
    DELETE FROM pin WHERE conversation = deleted;
    DELETE FROM member WHERE conversation = deleted;
    DELETE FROM retention WHERE conversation = deleted;
    DELETE FROM room WHERE conversation = deleted;
    PERFORM remove_oldest_entries_1(deleted, entries);
    RETURN true;
  END $$;
  `,
  // Removes at most so many reactions of a deleted room, or else entries. Returns their number.
  `
  CREATE OR REPLACE FUNCTION erase_room_1(deleted bigint, most bigint) RETURNS bigint
  LANGUAGE plpgsql ${plannedAnew} AS $$
  DECLARE removed bigint;
  BEGIN
    ${awaitCommits};
    DELETE FROM reaction WHERE ctid = ANY (ARRAY(
      SELECT r.ctid FROM reaction r WHERE r.conversation = deleted LIMIT most));
    GET DIAGNOSTICS removed = ROW_COUNT;
    IF removed > 0 THEN RETURN removed; END IF;
    RETURN remove_oldest_entries_1(deleted, most);
  END $$;
  `,
  // Drops the open invitations of a user that have so many newer ones by users that are not blocked.
  `
  CREATE OR REPLACE FUNCTION drop_invitations_1(invited text, keep bigint) RETURNS TABLE (room text, inviter text)
  LANGUAGE plpgsql ${plannedAnew} AS $$
  DECLARE of_user bigint; newest_dropped bigint; dropped bigint[];
  BEGIN
    ${awaitCommits};
    SELECT u.id INTO of_user FROM "user" u WHERE u.name = invited;
    SELECT m.invited_position INTO newest_dropped FROM member m
      WHERE m."user" = of_user AND m.role = ${roleCodes.invited}
        AND ${isUnblocked("of_user", "m.inviter", openEnd.toString())}
      ORDER BY m.invited_position DESC LIMIT 1 OFFSET keep;
    IF NOT FOUND THEN RETURN; END IF;
    dropped := ARRAY(SELECT m.conversation FROM member m WHERE m."user" = of_user AND m.role = ${roleCodes.invited}
      AND m.invited_position <= newest_dropped);
    RETURN QUERY SELECT c.name, u.name FROM member m JOIN conversation c ON c.id = m.conversation
        JOIN "user" u ON u.id = m.inviter
      WHERE m."user" = of_user AND m.conversation = ANY (dropped);
    DELETE FROM member m WHERE m."user" = of_user AND m.conversation = ANY (dropped)
      AND NOT EXISTS (SELECT FROM span s WHERE s."user" = of_user AND s.conversation = m.conversation);
    UPDATE member m SET role = ${roleCodes.left}, inviter = NULL
      WHERE m."user" = of_user AND m.conversation = ANY (dropped);
  END $$;
  `,
];
