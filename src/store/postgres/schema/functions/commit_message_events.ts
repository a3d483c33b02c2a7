import { kindCodes } from "../../../shared/entry_columns.ts";
import { maxEmoji, maxPins, maxShownPins } from "../../../shared/log_limits.ts";
import { isPinShown, isVisible } from "../../../shared/visibility.ts";

const { message, edited, deleted, reacted, reactionRemoved, pinned, unpinned } = kindCodes;

/** SQL: the entries of the pins of a conversation. The limits keep them look-ups by key on tables of any size. */
const pinsOf = (conversation: string) =>
  `pin p
    CROSS JOIN LATERAL (SELECT * FROM entry x WHERE x.conversation = p.conversation AND x.seq = p.seq LIMIT 1) e
    CROSS JOIN LATERAL (SELECT * FROM entry x WHERE x.position = p.position LIMIT 1) pinning
  WHERE p.conversation = ${conversation}`;

/**
 * Functions of events that change a message. They do not check the sender's permissions. Everything that is stored about
 * messages must be erased here.
 */
export const messageEventFunctions: readonly string[] = [
  // Returns why an event cannot be applied; null if it can. Pins that the sender does not see do not count.
  `
  CREATE OR REPLACE FUNCTION message_obstacle_1(added entry) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE
    target record;
    pins record;
  BEGIN
    SELECT e.sender, e.deleted INTO target FROM entry e
      WHERE e.conversation = added.conversation AND e.seq = added.target AND e.kind = ${message};
    IF NOT FOUND OR target.deleted <> 0 THEN RETURN 'gone'; END IF;
    CASE added.kind
      WHEN ${edited} THEN
        IF target.sender <> added.sender THEN RETURN 'gone'; END IF;
      WHEN ${reacted} THEN
        IF (SELECT 1 FROM reaction r WHERE r.conversation = added.conversation AND r.seq = added.target
            AND r.emoji = added.text LIMIT 1) IS NULL
          AND (SELECT count(DISTINCT r.emoji) FROM reaction r
            WHERE r.conversation = added.conversation AND r.seq = added.target) >= ${maxEmoji}
        THEN RETURN 'too_many'; END IF;
      WHEN ${reactionRemoved} THEN
        IF (SELECT 1 FROM reaction r WHERE r.conversation = added.conversation AND r.seq = added.target
          AND r.emoji = added.text AND r.user = added.sender) IS NULL
        THEN RETURN 'no_reaction'; END IF;
      WHEN ${pinned}, ${unpinned} THEN
        SELECT count(*) AS total,
          count(*) FILTER (WHERE p.seq = added.target AND ${isPinShown("added.sender", "pinning")}) AS same,
          count(*) FILTER (WHERE ${isPinShown("added.sender", "pinning")} AND ${
    isVisible("added.sender", "e")
  }) AS shown
          INTO pins FROM ${pinsOf("added.conversation")};
        IF added.kind = ${unpinned} THEN
          RETURN CASE WHEN pins.same = 0 THEN 'not_pinned' END;
        END IF;
        RETURN CASE WHEN pins.same <> 0 THEN 'pinned'
          WHEN pins.shown >= ${maxShownPins} OR pins.total >= ${maxPins} THEN 'too_many_pins' END;
      ELSE
    END CASE;
    RETURN NULL;
  END $$;
  `,
  // Applies an event that has no obstacle. Returns the readers that an edit names.
  `
  CREATE OR REPLACE FUNCTION apply_message_event_1(added entry, change jsonb, body bytea) RETURNS jsonb
  LANGUAGE plpgsql AS $$
  DECLARE
    named jsonb;
  BEGIN
    CASE added.kind
      WHEN ${edited} THEN
        named := change_mentions_1(added, change);
        UPDATE entry e SET text = body, edited_at = added.accepted_at, edited_seq = added.seq, audience = added.audience
          WHERE e.conversation = added.conversation AND e.seq = added.target;
      WHEN ${deleted} THEN
        DELETE FROM file f WHERE f.position =
          (SELECT e.position FROM entry e WHERE e.conversation = added.conversation AND e.seq = added.target AND e.file = 1);
        UPDATE entry e SET text = '', edited_at = NULL, edited_seq = NULL, deleted = 1
          WHERE e.conversation = added.conversation AND e.seq = added.target;
        DELETE FROM reaction r WHERE r.conversation = added.conversation AND r.seq = added.target;
        DELETE FROM mention m WHERE m.conversation = added.conversation AND m.message = added.target;
        DELETE FROM room_mention m WHERE m.conversation = added.conversation AND m.message = added.target;
        DELETE FROM pin p WHERE p.conversation = added.conversation AND p.seq = added.target;
      WHEN ${reacted} THEN
        INSERT INTO reaction (conversation, seq, emoji, "user", position)
          VALUES (added.conversation, added.target, added.text, added.sender, added.position) ON CONFLICT DO NOTHING;
      WHEN ${reactionRemoved} THEN
        DELETE FROM reaction r WHERE r.conversation = added.conversation AND r.seq = added.target
          AND r.emoji = added.text AND r.user = added.sender;
      WHEN ${pinned} THEN
        INSERT INTO pin (conversation, seq, position) VALUES (added.conversation, added.target, added.position)
          ON CONFLICT (conversation, seq) DO UPDATE SET position = excluded.position;
      WHEN ${unpinned} THEN
        DELETE FROM pin p WHERE p.conversation = added.conversation AND p.seq = added.target;
    END CASE;
    RETURN named;
  END $$;
  `,
];
