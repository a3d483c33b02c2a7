import { directMessagesCodes } from "../../../shared/codes.ts";
import { lockKey } from "../fence.ts";

/**
 * SQL of `delete_user_1(name, alias, erase)`: deletes an account, and returns whether it was there. Commits find users
 * and conversations by name, so none may run meanwhile.
 */
export const deleteUser = `
  CREATE OR REPLACE FUNCTION delete_user_1(wanted text, alias text, erases boolean) RETURNS boolean LANGUAGE plpgsql AS $$
  DECLARE key bigint; met record;
  BEGIN
    PERFORM pg_advisory_xact_lock(${lockKey("log")});
    SELECT u.id INTO key FROM "user" u WHERE u.name = wanted AND u.deleted = 0 FOR UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    -- Rooms are left out: their names contain no names of users.
    FOR met IN
      SELECT c.id, split_part(c.name, ':', 1) AS one, split_part(c.name, ':', 2) AS other FROM member m
      JOIN LATERAL (SELECT c.id, c.name FROM conversation c WHERE c.id = m.conversation LIMIT 1) c ON true
      WHERE m."user" = key AND m.room = 0
    LOOP
      IF met.one = wanted THEN met.one := alias; END IF;
      IF met.other = wanted THEN met.other := alias; END IF;
      UPDATE conversation c SET name = least(met.one COLLATE "C", met.other COLLATE "C") || ':' ||
        greatest(met.one COLLATE "C", met.other COLLATE "C") WHERE c.id = met.id;
    END LOOP;
    UPDATE "user" u SET name = alias, password_hash = '', disabled = 1, deleted = 1, read_receipts = 0, presence = 0,
      direct_messages = ${directMessagesCodes.nobody}, last_seen_at = 0, display_name = '', status = '' WHERE u.id = key;
    INSERT INTO retired_name (name) VALUES (wanted);
    DELETE FROM name_skeleton n WHERE n."user" = key AND n.display = 1;
    DELETE FROM block b WHERE b."user" = key;
    DELETE FROM device d WHERE d."user" = key;
    -- No message has this id.
    IF erases THEN INSERT INTO erasure ("user", after_id) VALUES (key, '00000000-0000-0000-0000-000000000000'); END IF;
    RETURN true;
  END $$;
  `;
