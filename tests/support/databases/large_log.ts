import type { Connection } from "../../../src/store/postgres/connection/connection.ts";
import { kindCodes } from "../../../src/store/shared/entry_columns.ts";
import { openEnd } from "../../../src/store/shared/visibility.ts";

/**
 * The users user1 to user2000. user1 has direct conversations 1 to 1000, with user2 to user1001; 1001 to 2000 are those of
 * others. user1 to user150 are members of the rooms 10001 to 10050, and user1 has blocked user3.
 */
export const largeLog = {
  entries: 100_000,
  users: 2_000,
  rooms: Array.from({ length: 50 }, (_, index) => 10_001 + index),
  /** The name of a room. */
  roomName: (key: number) => `+${key}`,
} as const;

const span = `1, ${openEnd}, ${openEnd}`;

const rows = `
INSERT INTO "user" (id, name, password_hash, disabled, created_at)
  SELECT g, 'user' || g, '', 0, 1 FROM generate_series(1, ${largeLog.users}) g ON CONFLICT DO NOTHING;
INSERT INTO conversation (id, name) SELECT g, 'user1:user' || (g + 1) FROM generate_series(1, 1000) g;
INSERT INTO conversation (id, name)
  SELECT g, 'user' || (g - 999) || ':user' || (g - 998) FROM generate_series(1001, 2000) g;
INSERT INTO conversation (id, name) SELECT g, '+' || g FROM generate_series(10001, 10050) g;
INSERT INTO room (conversation, name, topic, public, history_visible, creator, created_at, members)
  SELECT g, 'room ' || g, '', 1, 1, 1, 1, 90 FROM generate_series(10001, 10050) g;

-- In ten entries, one of a room, nine of others' conversations; in a thousand, one of user1's.
INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text, kind, target)
  SELECT position, conversation, seq,
    CASE WHEN conversation <= 1000 AND position % 2 = 0 THEN 1 WHEN conversation <= 1000 THEN conversation + 1
      WHEN conversation <= 2000 THEN conversation - 998 - position % 2 ELSE 1 + position / 10 % 149 END,
    gen_random_uuid(), position, 'a message to @user1 of the usual length',
    CASE WHEN conversation > 10000 AND seq % 20 = 7 THEN ${kindCodes.edited} ELSE 0 END,
    CASE WHEN conversation > 10000 AND seq % 20 = 7 THEN seq - 6 END
  FROM (
    SELECT position, conversation, row_number() OVER (PARTITION BY conversation ORDER BY position) AS seq
    FROM generate_series(1::bigint, ${largeLog.entries}) position CROSS JOIN LATERAL (
      SELECT CASE WHEN position % 10 = 0 THEN 10001 + position / 10 % 50
        WHEN position % 1000 = 1 THEN 1 + position / 1000 % 1000 ELSE 1001 + position % 1000 END AS conversation
    ) belongs) numbered;
UPDATE entry edited SET edited_at = 1, edited_seq = edit.seq
  FROM entry edit WHERE edit.kind = ${kindCodes.edited} AND edit.conversation = edited.conversation AND edit.target = edited.seq;

INSERT INTO member (conversation, "user", head_position)
  SELECT conversation, pair.user, coalesce(head, 0) FROM (
    SELECT g AS conversation, ARRAY[1, g + 1] AS users FROM generate_series(1, 1000) g
    UNION ALL SELECT g, ARRAY[g - 999, g - 998] FROM generate_series(1001, 2000) g
  ) direct CROSS JOIN LATERAL unnest(users) pair ("user") CROSS JOIN LATERAL (
    SELECT (
      SELECT e.position FROM entry e WHERE e.conversation = direct.conversation ORDER BY e.seq DESC LIMIT 1) AS head) newest;
INSERT INTO member (conversation, "user", room)
  SELECT room, u, 1 FROM generate_series(10001, 10050) room, generate_series(1, 150) u;
INSERT INTO span SELECT m.user, m.conversation, ${span}, m.room FROM member m WHERE conversation < 20000;
INSERT INTO block VALUES (1, 3, 0, ${openEnd});

INSERT INTO reaction SELECT conversation, seq, convert_to('👍', 'UTF8'), u, position
  FROM entry, generate_series(1, 3) u WHERE conversation > 10000 AND seq % 4 = 0;
INSERT INTO pin SELECT conversation, seq, position FROM entry WHERE conversation > 10000 AND seq <= 50 AND kind = 0;
INSERT INTO mention SELECT 1, conversation, seq, seq FROM entry WHERE conversation <= 1000;
UPDATE log SET heads_through = ${largeLog.entries};
`;

const few = `
INSERT INTO "user" (id, name, password_hash, disabled, created_at)
  SELECT g, 'user' || g, '', 0, 1 FROM generate_series(1, 3) g;
INSERT INTO conversation (id, name) VALUES (20000, 'few');
INSERT INTO member (conversation, "user", head_position) VALUES (20000, 2, 1), (20000, 3, 1);
INSERT INTO span VALUES (2, 20000, ${span}, 0), (3, 20000, ${span}, 0);
INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text)
  SELECT g, 20000, g, 2, gen_random_uuid(), 1, 'hello' FROM generate_series(-40, 0) g;
`;

/** Inserts the rows of {@link largeLog} without statistics, into a schema that is empty or has {@link insertFew}. */
export async function insertLargeLog(connection: Connection): Promise<void> {
  await insert(connection, rows);
}

/** Inserts the rows of a log that was hardly used. */
export async function insertFew(connection: Connection): Promise<void> {
  await insert(connection, few);
}

async function insert(connection: Connection, script: string): Promise<void> {
  // Past foreign keys and fences.
  await connection.execute(`
    BEGIN; SET LOCAL session_replication_role = replica; SET LOCAL enable_seqscan = on; ${script} COMMIT`);
}
