import { roleCodes } from "../../../shared/codes.ts";
import { kindCodes } from "../../../shared/entry_columns.ts";
import { openEnd } from "../../../shared/visibility.ts";

const { owner, member, left, banned, invited } = roleCodes;

/** Functions of events that change a room or its members. They do not check the sender's permissions. */
export const roomEventFunctions: readonly string[] = [
  // Whether the event would give a second public room the same name.
  `
  CREATE OR REPLACE FUNCTION room_obstacle_1(added entry, change jsonb) RETURNS text LANGUAGE plpgsql AS $$
  BEGIN
    IF (change->>'public')::int = 1 AND (SELECT r.conversation FROM room r
      WHERE r.public = 1 AND r.name = convert_from(added.text, 'UTF8')) <> coalesce(added.conversation, 0)
    THEN RETURN 'name_taken'; END IF;
    RETURN NULL;
  END $$;
  `,
  `
  CREATE OR REPLACE FUNCTION apply_room_event_1(added entry, change jsonb) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    CASE added.kind
      WHEN ${kindCodes.roomCreated} THEN
        INSERT INTO room (conversation, name, topic, public, history_visible, creator, created_at, members)
          VALUES (added.conversation, convert_from(added.text, 'UTF8'), '', (change->>'public')::int,
            (change->>'history_visible')::int, added.sender, added.accepted_at, 0);
        PERFORM enter_room_1(added, ${owner}, added.seq);
      WHEN ${kindCodes.joined} THEN PERFORM join_room_1(added);
      WHEN ${kindCodes.left} THEN PERFORM leave_room_1(added, added.sender, ${left});
      WHEN ${kindCodes.invited} THEN
        INSERT INTO member AS m (conversation, "user", role, room, inviter, invited_position)
          VALUES (added.conversation, added.subject, ${invited}, 1, added.sender, added.position)
          ON CONFLICT (conversation, "user") DO UPDATE SET
            role = excluded.role, inviter = excluded.inviter, invited_position = excluded.invited_position
          WHERE m.role = ${left};
      WHEN ${kindCodes.removed} THEN PERFORM leave_room_1(added, added.subject, ${left});
      WHEN ${kindCodes.banned} THEN PERFORM leave_room_1(added, added.subject, ${banned});
      WHEN ${kindCodes.unbanned} THEN
        IF member_role_1(added.conversation, added.subject) = ${banned} THEN
          PERFORM restore_member_1(added.conversation, added.subject);
        END IF;
      WHEN ${kindCodes.roleChanged} THEN
        UPDATE member m SET role = added.target, inviter = NULL
          WHERE m.conversation = added.conversation AND m.user = added.subject AND m.role <= ${owner};
      WHEN ${kindCodes.topicChanged} THEN
        UPDATE room r SET topic = added.text WHERE r.conversation = added.conversation;
      WHEN ${kindCodes.roomChanged} THEN
        UPDATE room r SET name = convert_from(added.text, 'UTF8'), public = (change->>'public')::int,
            history_visible = (change->>'history_visible')::int, mention_all = (change->>'mention_all')::int
          WHERE r.conversation = added.conversation;
    END CASE;
  END $$;
  `,
  `
  CREATE OR REPLACE FUNCTION member_role_1(conversation bigint, who bigint) RETURNS smallint LANGUAGE plpgsql STABLE AS $$
  BEGIN
    RETURN (SELECT m.role FROM member m WHERE m.conversation = member_role_1.conversation AND m.user = who);
  END $$;
  `,
  // The first user to join an empty room becomes its owner.
  `
  CREATE OR REPLACE FUNCTION join_room_1(added entry) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    joined room := (SELECT r FROM room r WHERE r.conversation = added.conversation);
  BEGIN
    IF member_role_1(added.conversation, added.sender) <= ${owner} THEN RETURN; END IF;
    PERFORM enter_room_1(added, CASE WHEN joined.members = 0 THEN ${owner} ELSE ${member} END,
      CASE WHEN joined.history_visible = 1 THEN 1 ELSE added.seq END);
  END $$;
  `,
  // Lets the sender enter, and see the room from an entry on.
  `
  CREATE OR REPLACE FUNCTION enter_room_1(added entry, as_role int, seen_from bigint) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO member (conversation, "user", role, room, read_seq, read_uncounted)
      VALUES (added.conversation, added.sender, as_role, 1, added.seq, added.uncounted)
      ON CONFLICT (conversation, "user") DO UPDATE SET role = excluded.role, inviter = NULL, left_name = NULL,
        read_seq = excluded.read_seq, read_uncounted = excluded.read_uncounted;
    UPDATE room r SET members = r.members + 1 WHERE r.conversation = added.conversation;
    -- Stays must neither overlap nor touch.
    IF seen_from < added.seq THEN
      DELETE FROM span s WHERE s.user = added.sender AND s.conversation = added.conversation;
    ELSE
      UPDATE span s SET last_seq = ${openEnd}, last_position = ${openEnd}
        WHERE s.user = added.sender AND s.conversation = added.conversation AND s.last_seq = added.seq - 1;
      IF FOUND THEN RETURN; END IF;
    END IF;
    INSERT INTO span ("user", conversation, first_seq, last_seq, last_position, room)
      VALUES (added.sender, added.conversation, seen_from, ${openEnd}, ${openEnd}, 1);
  END $$;
  `,
  // Removes a member, revokes an invitation, or bans a user, who need not be a member.
  `
  CREATE OR REPLACE FUNCTION leave_room_1(added entry, who bigint, as_role int) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    before int := member_role_1(added.conversation, who);
  BEGIN
    IF before <= ${owner} THEN
      UPDATE room r SET members = r.members - 1 WHERE r.conversation = added.conversation;
      -- The stay includes this entry, so the user sees it.
      UPDATE span s SET last_seq = added.seq, last_position = added.position
        WHERE s.user = who AND s.conversation = added.conversation AND s.last_seq = ${openEnd};
      UPDATE member m SET left_name = (SELECT r.name FROM room r WHERE r.conversation = added.conversation)
        WHERE m.conversation = added.conversation AND m.user = who;
    END IF;
    IF as_role = ${banned} OR before <= ${owner} THEN
      PERFORM set_member_role_1(added.conversation, who, as_role);
    ELSIF before = ${invited} THEN
      PERFORM restore_member_1(added.conversation, who);
    END IF;
  END $$;
  `,
  // Gives a user the role "left" if they were once a member; otherwise removes the row.
  `
  CREATE OR REPLACE FUNCTION restore_member_1(conversation bigint, who bigint) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    IF (SELECT 1 FROM span s WHERE s.user = who AND s.conversation = restore_member_1.conversation LIMIT 1) IS NOT NULL THEN
      PERFORM set_member_role_1(conversation, who, ${left});
    ELSE
      DELETE FROM member m WHERE m.conversation = restore_member_1.conversation AND m.user = who;
    END IF;
  END $$;
  `,
  `
  CREATE OR REPLACE FUNCTION set_member_role_1(room bigint, who bigint, as_role int) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO member (conversation, "user", role, room) VALUES (set_member_role_1.room, who, as_role, 1)
      ON CONFLICT (conversation, "user") DO UPDATE SET role = excluded.role, inviter = NULL;
  END $$;
  `,
];
