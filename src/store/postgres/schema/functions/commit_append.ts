import { kindCodes, messageEventCodes } from "../../../shared/entry_columns.ts";
import { openEnd } from "../../../shared/visibility.ts";

/** Functions that append an entry to the log. `added` is the entry; its text is that which the entry has, not `body`. */
export const commitAppendFunctions: readonly string[] = [
  `
  CREATE OR REPLACE FUNCTION commit_append_1(change jsonb, body bytea, head bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
  DECLARE
    -- All columns that do not depend on the state.
    added entry := jsonb_populate_record(NULL::entry, change);
    place record;
    outcome jsonb;
    obstacle text;
    upload bigint;
    attachment jsonb;
    named jsonb;
  BEGIN
    added.sender := user_key_1(change->>'by');
    IF change ? 'about' THEN added.subject := user_key_1(change->>'about'); END IF;
    added.text := CASE WHEN added.kind = ${kindCodes.edited} THEN '' ELSE body END;
    SELECT c.id, (SELECT r.conversation FROM room r WHERE r.conversation = c.id) AS room,
      coalesce(
        (SELECT ARRAY[e.seq, e.uncounted] FROM entry e WHERE e.conversation = c.id ORDER BY e.seq DESC LIMIT 1),
        ARRAY[c.kept_seq, c.kept_uncounted]) AS head
      INTO place FROM conversation c WHERE c.name = change->>'in';
    added.conversation := place.id;

    outcome := commit_repeated_1(added, body, (change->>'upload')::uuid);
    IF outcome IS NOT NULL THEN RETURN outcome; END IF;
    IF change ? 'refused' THEN RETURN '{"kind":"refused"}'; END IF;

    IF change ? 'room' AND place.room IS NULL THEN
      IF added.kind <> ${kindCodes.roomCreated} THEN RETURN '{"kind":"no_room"}'; END IF;
      IF place.id IS NOT NULL THEN RETURN '{"kind":"conflict"}'; END IF;
    END IF;
    IF change ? 'upload' THEN
      -- Locked, so that it is still there when it is attached.
      SELECT f.key INTO upload FROM file f
        WHERE f.owner = added.sender AND f.id = (change->>'upload')::uuid AND f.complete = 1 AND f.position IS NULL
        FOR UPDATE;
      IF upload IS NULL THEN RETURN '{"kind":"upload_gone"}'; END IF;
    END IF;
    obstacle := CASE
      WHEN added.kind IN (${kindCodes.roomCreated}, ${kindCodes.roomChanged}) THEN room_obstacle_1(added, change)
      WHEN added.kind IN (${messageEventCodes}) THEN message_obstacle_1(added) END;
    IF obstacle IS NOT NULL THEN RETURN jsonb_build_object('kind', obstacle); END IF;

    IF place.id IS NULL THEN added.conversation := add_conversation_1(added, change); END IF;
    added.position := head + 1;
    added.seq := coalesce(place.head[1], 0) + 1;
    added.uncounted := coalesce(place.head[2], 0) + (added.kind <> ${kindCodes.message})::int;
    INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text, kind, target, subject, uncounted, file,
        automatic, audience)
      VALUES (added.position, added.conversation, added.seq, added.sender, added.id, added.accepted_at, added.text,
        added.kind, added.target, added.subject, added.uncounted, (upload IS NOT NULL)::int, added.automatic,
        added.audience);
    IF upload IS NOT NULL THEN
      UPDATE file f SET position = added.position WHERE f.key = upload
        RETURNING jsonb_build_object('name', f.name, 'mediaType', f.media_type, 'size', f.size,
          'sha256', encode(f.sha256, 'hex')) INTO attachment;
    END IF;
    IF added.kind = ${kindCodes.message} THEN
      IF change ? 'mentions' OR added.audience <> 0 THEN named := add_mentions_1(added, change); END IF;
    ELSIF added.kind IN (${messageEventCodes}) THEN
      named := apply_message_event_1(added, change, body);
    ELSE
      PERFORM apply_room_event_1(added, change);
    END IF;
    RETURN jsonb_build_object('kind', 'accepted', 'position', added.position, 'seq', added.seq,
      'ordinal', added.seq - added.uncounted, 'key', added.conversation, 'attachment', attachment, 'named', named);
  END $$;
  `,
  // Returns the result of an append whose id its sender had accepted before, and null for another.
  `
  CREATE OR REPLACE FUNCTION commit_repeated_1(added entry, body bytea, upload uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
  DECLARE
    before record;
    same boolean;
  BEGIN
    SELECT e.position, e.conversation, e.seq, e.accepted_at, e.kind, e.target, e.subject, e.automatic, e.file,
      -- Null if the text as it was sent is not known any more.
      CASE WHEN e.kind = ${kindCodes.edited} THEN (
          SELECT t.text FROM entry t WHERE t.conversation = e.conversation AND t.seq = e.target AND t.edited_seq = e.seq)
        WHEN e.deleted = 0 AND e.edited_seq IS NULL THEN e.text END AS text
      INTO before FROM entry e WHERE e.sender = added.sender AND e.id = added.id;
    IF FOUND THEN
      same := before.conversation = added.conversation AND before.kind = added.kind
        AND before.subject IS NOT DISTINCT FROM added.subject AND before.automatic = added.automatic
        -- An event of a room's settings has all of them, which may differ when the same request comes again.
        AND (added.kind = ${kindCodes.roomChanged}
          OR before.target IS NOT DISTINCT FROM added.target AND coalesce(before.text = body, true))
        AND (before.file = 1) = (upload IS NOT NULL)
        -- The file may have been erased.
        AND (upload IS NULL OR coalesce((SELECT f.id FROM file f WHERE f.position = before.position), upload) = upload);
    ELSE
      SELECT s.position, s.conversation, s.seq, s.accepted_at INTO before
        FROM spent_id s WHERE s.id = added.id AND s.sender = added.sender;
      IF NOT FOUND THEN RETURN NULL; END IF;
      same := before.conversation = added.conversation;
    END IF;
    IF same IS NOT TRUE THEN RETURN '{"kind":"conflict"}'; END IF;
    RETURN jsonb_build_object('kind', 'duplicate', 'position', before.position, 'seq', before.seq,
      'acceptedAt', before.accepted_at);
  END $$;
  `,
  // Returns the key of a new conversation. The members of a room are added by its events.
  `
  CREATE OR REPLACE FUNCTION add_conversation_1(added entry, change jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    key bigint;
  BEGIN
    IF (change ? 'room') <> (added.kind = ${kindCodes.roomCreated}) THEN
      RAISE EXCEPTION 'There is no room "%".', change->>'in';
    END IF;
    INSERT INTO conversation (name) VALUES (change->>'in') RETURNING id INTO key;
    WITH members AS (SELECT user_key_1(m.name) AS "user" FROM jsonb_array_elements_text(change->'members') m(name)),
      joined AS (INSERT INTO member (conversation, "user") SELECT key, m."user" FROM members m)
    INSERT INTO span ("user", conversation, first_seq, last_seq, last_position, room)
      SELECT m."user", key, 1, ${openEnd}, ${openEnd}, 0 FROM members m;
    RETURN key;
  END $$;
  `,
];
