import assert from "node:assert/strict";
import type { LogEvent } from "../../../../src/core/messages/log_event.ts";
import type { Append, Change } from "../../../../src/core/messages/message_store.ts";
import { Connection } from "../../../../src/store/postgres/connection/connection.ts";
import { encodeChanges, type EncodedResult } from "../../../../src/store/postgres/log/commit_encoding.ts";
import { leaseEmptySchema } from "../../../support/databases/postgres_store.ts";
import { directAppend, entryAppend } from "../../../support/servers/stored_messages.ts";

const room = "+" + "o".repeat(26);

/** The node's users, a device, and a file of ana that is not attached. */
const ownRows = `
  INSERT INTO "user" (name, password_hash, disabled, created_at)
    SELECT name, '', 0, 0 FROM unnest('{ana,ben,cleo}'::text[]) name;
  INSERT INTO device (public_id, "user", name, created_at, last_used_at, expires_at) VALUES ('d1', 1, '', 0, 0, 0);
`;
/** Rows of others, in numbers that make each scan stand out. */
const foreignRows = `
  INSERT INTO "user" (name, password_hash, disabled, created_at) SELECT 'u' || n, '', 0, 0 FROM generate_series(1, 5000) n;
  INSERT INTO conversation (name) SELECT 'c' || n FROM generate_series(1, 5000) n;
  INSERT INTO member (conversation, "user") SELECT n % 4000 + 100, n % 997 + 10 FROM generate_series(1, 20000) n
    ON CONFLICT DO NOTHING;
  INSERT INTO span SELECT "user", conversation, 1, 9007199254740991, 9007199254740991, 0 FROM member WHERE conversation > 99;
  INSERT INTO room SELECT id, 'r' || id, '', 1, 1, 2, 1, 0, 1 FROM conversation WHERE id > 4000;
  INSERT INTO device (public_id, "user", name, created_at, last_used_at, expires_at)
    SELECT 'x' || n, 1, '', 0, 0, 0 FROM generate_series(1, 5000) n;
  INSERT INTO consumer SELECT id, 'ui', 0, 0 FROM device WHERE id > 1;
  INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text)
    SELECT 1000 + n, n % 997 + 100, n, n % 997 + 10, gen_random_uuid(), 0, 'hello' FROM generate_series(1, 50000) n;
  INSERT INTO spent_id SELECT gen_random_uuid(), 1, 1, 1, 1, 1 FROM generate_series(1, 5000);
  INSERT INTO mention SELECT n % 997 + 10, n % 997 + 100, n, n, 0 FROM generate_series(1, 5000) n;
  INSERT INTO room_mention SELECT n % 997 + 100, n, n FROM generate_series(1, 5000) n;
  INSERT INTO reaction SELECT n % 997 + 100, n, '!', 5, 1000 + n FROM generate_series(1, 5000) n;
  INSERT INTO pin SELECT n % 997 + 100, n, 1000 + n FROM generate_series(1, 5000) n;
  INSERT INTO block SELECT n % 997 + 10, n, 0, 5 FROM generate_series(1, 5000) n;
  INSERT INTO file (owner, id, name, media_type, size, sha256, begun_at, complete, position)
    SELECT 2, gen_random_uuid(), '', '', 1, sha256('0'), 0, 1, 1000 + n FROM generate_series(1, 5000) n;
`;

function event(sender: string, event: LogEvent, rest: Partial<Append> = {}): Append {
  return entryAppend(room, sender, { event, ...rest });
}

const founding: readonly Change[] = [
  event("ana", { kind: "room_created", isPublic: true, historyVisible: false }, { text: "ops" }),
  event("ben", { kind: "joined" }),
  ...Array.from({ length: 5 }, () => entryAppend(room, "ana", { text: "@ben", mentions: ["ben"] })),
];
const settings = { isPublic: true, historyVisible: true, mentionAll: "owner", byOperator: false } as const;

/** Changes of all kinds, which can be made again and again. `uploadId` is that of a new file of ana. */
function everyChange(uploadId: string): Change[] {
  const sent = directAppend("ana", "ben");
  return [
    sent,
    sent,
    { ...directAppend("ana", "ben"), uploadId },
    { ...directAppend("ana", "ben"), replyTo: 1 },
    entryAppend(room, "ana", { text: "@room", mentions: ["ben"], audience: "room" }),
    event("ana", { kind: "edited", target: 3 }, { text: "@ben", mentions: ["ben"] }),
    event("ben", { kind: "reacted", target: 3, emoji: "!", removed: false }),
    event("ben", { kind: "reacted", target: 3, emoji: "!", removed: true }),
    event("ben", { kind: "pinned", target: 3, removed: false }),
    event("ben", { kind: "pinned", target: 3, removed: true }),
    event("ana", { kind: "invited", user: "cleo" }),
    event("cleo", { kind: "joined" }),
    event("ana", { kind: "role_changed", user: "cleo", role: "moderator" }),
    event("ana", { kind: "topic_changed" }, { text: "topic" }),
    event("ana", { kind: "room_changed", ...settings }, { text: "ops" }),
    event("ana", { kind: "removed", user: "cleo", banned: true }),
    event("ana", { kind: "unbanned", user: "cleo" }),
    { kind: "move_read", conversation: room, user: "ben", seq: 1_000_000, ownOnly: true },
    { kind: "move_read", conversation: "ana:ben", user: "ben", seq: 1_000_000 },
    { kind: "move_cursor", deviceId: "d1", consumer: "ui", position: 1 },
  ];
}

/** Commits changes on a connection like that of commits. @returns the tables that it scanned, with the rows read there */
async function scannedBy(connection: Connection, changes: readonly Change[]): Promise<unknown[]> {
  const { changes: encoded, sizes, texts } = encodeChanges(changes);
  await connection.execute("BEGIN");
  const results = await connection.query<{ result: EncodedResult }>(
    "SELECT result FROM commit_1($1, $2, $3, false)",
    [encoded, sizes, texts],
  );
  // Tables of one row have no index that is of use.
  const scanned = await connection.query(
    `SELECT relname, seq_scan, seq_tup_read FROM pg_stat_xact_user_tables
     WHERE schemaname = current_schema() AND seq_scan > 0 AND relname NOT IN ('log', 'lease')`,
  );
  await connection.execute("COMMIT");
  const refused = results.filter(({ result: { kind } }) => !["accepted", "duplicate", "moved"].includes(kind));
  assert.deepEqual(refused, []);
  return scanned;
}

async function commitEverything(connection: Connection): Promise<unknown[]> {
  const uploadId = crypto.randomUUID();
  await connection.query(
    `INSERT INTO file (owner, id, name, media_type, size, sha256, begun_at, complete)
     VALUES (1, $1, 'a', 'text/plain', 1, sha256('1'), 0, 1)`,
    [uploadId],
  );
  return await scannedBy(connection, everyChange(uploadId));
}

for (const isAnalyzed of [false, true]) {
  const when = isAnalyzed ? "of which few rows were analyzed" : "without statistics";
  Deno.test(`no commit scans a table in a database ${when}, however large it grows`, async () => {
    const { access, generation } = await leaseEmptySchema();
    await using connection = await Connection.open(access, {
      name: "commit",
      generation,
      usesIndexes: true,
      statementTimeoutMs: 0,
    });
    await connection.execute(ownRows);
    assert.deepEqual(await scannedBy(connection, founding), []);
    if (isAnalyzed) await connection.execute("ANALYZE");
    // More often than PostgreSQL hesitates before it keeps a plan.
    for (let round = 0; round < 7; round++) assert.deepEqual(await commitEverything(connection), []);
    await connection.execute(foreignRows);
    for (let round = 0; round < 7; round++) assert.deepEqual(await commitEverything(connection), []);
    await connection.execute("ANALYZE");
    for (let round = 0; round < 7; round++) assert.deepEqual(await commitEverything(connection), []);
  });
}
