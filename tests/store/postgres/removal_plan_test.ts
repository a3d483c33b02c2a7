import assert from "node:assert/strict";
import { Connection, type Parameter } from "../../../src/store/postgres/connection/connection.ts";
import { takeLease } from "../../../src/store/postgres/connection/lease.ts";
import { erasureStatements } from "../../../src/store/postgres/postgres_erasure_store.ts";
import { retentionStatements } from "../../../src/store/postgres/postgres_retention_store.ts";
import { roomStatements } from "../../../src/store/postgres/postgres_room_store.ts";
import { openEnd } from "../../../src/store/shared/visibility.ts";
import { emptySchema } from "../../support/databases/postgres_store.ts";

const users = 2_000;
const rooms = 2_000;
const directs = 4_000;
const entries = 120_000;
/** Key of the conversation of the first room: the direct ones are before it. */
const firstRoom = directs + 1;

const nilId = "00000000-0000-0000-0000-000000000000";

/** Users, rooms of ten members, direct conversations, and entries with all that belongs to them. */
const fill = `
  INSERT INTO "user" (id, name, password_hash, disabled, created_at)
    SELECT n, 'user' || n, '', 0, 1 FROM generate_series(1, ${users}) n;
  INSERT INTO conversation (id, name) SELECT n, 'user' || n || ':user' || n + 1 FROM generate_series(1, ${directs}) n;
  INSERT INTO conversation (id, name)
    SELECT ${directs} + n, '+' || rpad(translate(n::text, '0123456789', 'abcdefghij'), 26, 'z')
    FROM generate_series(1, ${rooms}) n;
  INSERT INTO room (conversation, name, topic, public, history_visible, creator, created_at, members)
    SELECT ${directs} + n, 'room' || n, convert_to('topic ' || n, 'UTF8'), n % 2, 1, 1 + n % ${users}, 1, 10
    FROM generate_series(1, ${rooms}) n;
  INSERT INTO member (conversation, "user", room)
    SELECT ${directs} + n, 1 + (n * 7 + m * 31) % ${users}, 1 FROM generate_series(1, ${rooms}) n, generate_series(1, 10) m
    UNION ALL SELECT n, 1 + (n + m) % ${users}, 0 FROM generate_series(1, ${directs}) n, generate_series(1, 2) m;
  INSERT INTO span ("user", conversation, first_seq, last_seq, last_position, room)
    SELECT "user", conversation, 1, ${openEnd}, ${openEnd}, room FROM member;
  INSERT INTO block SELECT n, 1 + n % ${users}, 0, ${openEnd} FROM generate_series(1, ${users}, 2) n;
  INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text)
    SELECT n, 1 + (n - 1) % ${directs + rooms}, 1 + (n - 1) / ${directs + rooms}, 1 + n % ${users}, gen_random_uuid(),
      n, 'hello' FROM generate_series(1, ${entries}) n;
  INSERT INTO reaction SELECT conversation, seq, 'x', 1, position FROM entry;
  INSERT INTO mention ("user", conversation, seq, message) SELECT 1 + position % ${users}, conversation, seq, seq FROM entry;
  INSERT INTO room_mention SELECT conversation, seq, seq FROM entry;
  INSERT INTO pin SELECT conversation, seq, position FROM entry WHERE seq <= 5;
  INSERT INTO spent_id SELECT gen_random_uuid(), sender, position, conversation, seq, 1 FROM entry WHERE seq <= 5;
  INSERT INTO file (owner, id, name, media_type, size, sha256, begun_at, complete, position)
    SELECT sender, gen_random_uuid(), '', '', 1, sha256('x'), 1, 1, position FROM entry WHERE seq <= 5;
  INSERT INTO retention SELECT n, NULL, 10 FROM generate_series(0, ${directs}) n;
  INSERT INTO erasure VALUES (7, '${nilId}');
`;

/** Rows of a table that a statement may read one after the other in all of its runs: fewer than any table has. */
const mostRows = 1_500;

/** Values for each statement; a run that changes something finds it as it was. */
const values: Record<string, Record<string, readonly Parameter[]>> = {
  room: {
    find: ["+azzzzzzzzzzzzzzzzzzzzzzzzz"],
    findPublic: ["room77"],
    findStarting: ["room7", "+hzz", "+hzz~"],
    findStartingFor: ["user7", "room7", "+hzz", "+hzz~"],
    listPublic: ["room1", "", 10],
    list: ["+azzzzzzzzzzzzzzzzzzzzzzzzz", 10],
    count: ["user7", 0],
    countInvitations: ["user7", "user8"],
    dropInvitations: ["user7", 10],
    roomsOf: ["user7"],
    deleteRoom: ["+gzzzzzzzzzzzzzzzzzzzzzzzzz", 20],
    erased: [],
    erase: [firstRoom + 10, 10],
    readers: ["+azzzzzzzzzzzzzzzzzzzzzzzzz", "user7", 0, "user8", 10],
    readPositions: ["+azzzzzzzzzzzzzzzzzzzzzzzzz", 10],
  },
  retention: {
    list: [],
    set: ["user7:user8", 1, 1],
    remove: ["user7:user8"],
    due: [100, 600, 10_000],
    removeDue: [500, 10_000, 10, nilId],
    forgetSpentIds: ["ffffffff-ffff-ffff-ffff-ffffffffffff", 10],
  },
  erasure: { blankSome: [10] },
};
const statements: readonly (readonly [name: string, text: string, values: readonly Parameter[]])[] = Object.entries({
  room: roomStatements,
  retention: retentionStatements,
  erasure: erasureStatements,
}).flatMap(([subject, texts]) =>
  Object.entries(texts).map(([name, text]) => [`${subject} ${name}`, text, values[subject][name]] as const)
);

/** Statements that examine all rooms, once an hour, and rules, of which an operator makes few. */
const exceptions = ["room erased", "retention list"];

/** The statement is planned for any values after so many runs. */
const runsUntilGeneric = 7;

/** Runs a statement several times without an effect. @returns tables of which it read many rows one after the other */
async function scannedTables(connection: Connection, text: string, given: readonly Parameter[]): Promise<string[]> {
  await connection.execute("BEGIN");
  const before = await rowsScanned(connection);
  for (let run = 0; run < runsUntilGeneric; run++) await connection.query(text, given);
  const after = await rowsScanned(connection);
  await connection.execute("ROLLBACK");
  return [...after].filter(([table, rows]) => rows - (before.get(table) ?? 0) > mostRows).map(([table]) => table);
}

/** The rows of each table that this connection read one after the other, until the database gathers these numbers. */
async function rowsScanned(connection: Connection): Promise<ReadonlyMap<string, number>> {
  const rows = await connection.query<{ relname: string; seq_tup_read: number }>(
    "SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables ORDER BY relname",
  );
  return new Map(rows.map(({ relname, seq_tup_read }) => [relname, seq_tup_read]));
}

async function scans(connection: Connection): Promise<string[]> {
  const found: string[] = [];
  for (const [name, text, given] of statements) {
    const tables = await scannedTables(connection, text, given);
    if (tables.length > 0 && !exceptions.includes(name)) found.push(`${name}: ${tables}`);
  }
  return found;
}

Deno.test("rooms, retention and erasure read few rows, also by plans of an empty database and without statistics", async () => {
  const access = await emptySchema();
  await using connection = await Connection.open(access, { name: "test", generation: 1, statementTimeoutMs: 0 });
  assert.equal(await takeLease(connection, { node: "test", token: crypto.randomUUID(), lastsMs: 3_600_000 }), 1);
  assert.deepEqual(await scans(connection), []);
  await connection.execute(fill);
  assert.deepEqual(await scans(connection), []);
  await connection.execute("ANALYZE");
  assert.deepEqual(await scans(connection), []);
  await using anew = await Connection.open(access, { name: "test", generation: 1 });
  assert.deepEqual(await scans(anew), []);
});
