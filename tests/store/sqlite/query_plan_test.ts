import assert from "node:assert/strict";
import { Database } from "../../../src/store/sqlite/database.ts";
import { Heads } from "../../../src/store/sqlite/log/heads.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SpentIds } from "../../../src/store/sqlite/log/spent_ids.ts";
import { MessageFinder } from "../../../src/store/sqlite/search/message_finder.ts";
import { SearchIndex } from "../../../src/store/sqlite/search/search_index.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { SqliteAuditLog } from "../../../src/store/sqlite/sqlite_audit_log.ts";
import { SqliteClockStore } from "../../../src/store/sqlite/sqlite_clock_store.ts";
import { SqliteDeviceCleanup } from "../../../src/store/sqlite/sqlite_device_cleanup.ts";
import { SqliteFileStore } from "../../../src/store/sqlite/sqlite_file_store.ts";
import { SqliteRetentionStore } from "../../../src/store/sqlite/sqlite_retention_store.ts";
import { SqliteRoomStore } from "../../../src/store/sqlite/sqlite_room_store.ts";
import { SqliteSettingsStore } from "../../../src/store/sqlite/sqlite_settings_store.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

/** Returns the statements that the stores prepare. */
function preparedStatements(database: Database): string[] {
  const prepared: string[] = [];
  const recording = Object.create(database, {
    prepare: {
      value: (sql: string) => {
        prepared.push(sql);
        return database.prepare(sql);
      },
    },
  });
  new Heads(recording);
  new SqliteMessageStore(recording);
  new SqliteAccountStore(recording);
  new SqliteAuditLog(recording);
  new SqliteClockStore(recording);
  new SqliteDeviceCleanup(recording);
  new SqliteFileStore(recording, { folder: "/nonexistent" });
  new SqliteRetentionStore(recording, { spentIds: new SpentIds(recording) });
  new SqliteRoomStore(recording);
  new SqliteSettingsStore(recording);
  new SearchIndex(recording);
  new MessageFinder(recording);
  return prepared.filter((sql) => /^\s*(SELECT|INSERT|UPDATE|DELETE)/.test(sql));
}

function planOf(database: Database, sql: string): string[] {
  return database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all().map(({ detail }) => detail as string);
}

/**
 * Statements that run once at the start, read one row, or sort a bounded number of rows: a user's devices and blocks, a
 * room's members, the pins of a conversation, the operator's invitations and rules of retention.
 */
const exceptions = [
  /^SELECT c\.id, c\.name, e\.seq AS headSeq, max\(e\.position\)/,
  /^DELETE FROM device WHERE \(token_hash IS NULL AND last_used_at < :before\)/,
  /^(SELECT (epoch|seen_at AS value|heads_through AS position) FROM log|UPDATE log SET (seen_at = :now|heads_through = \?))$/,
  /^SELECT accepted_at AS value FROM entry ORDER BY position DESC LIMIT 1$/,
  /^UPDATE invite SET expires_at /,
  /^DELETE FROM incarnation /,
  /FROM retention (r LEFT JOIN|WHERE max_age)/,
  /^SELECT number, id, head FROM incarnation ORDER BY number DESC$/,
  /AS kept,\s.* AS announced$/s,
  /FROM device .* ORDER BY/s,
  /FROM block .* ORDER BY/s,
  /CROSS JOIN pin p .* ORDER BY p\.position/s,
  /u\.read_receipts = 1\s.*(ORDER BY u\.name|GROUP BY m\.read_seq)/s,
];

Deno.test("no statement scans a whole table or sorts its result, which would get slow as the store grows", () => {
  using folder = temporaryFolder();
  using database = Database.open(folder.path);
  const statements = preparedStatements(database);
  assert.ok(statements.length > 30);
  const slow = statements
    .filter((sql) =>
      planOf(database, sql).some((step) =>
        /^SCAN (?!CONSTANT|\(|\d+-ROW VALUES|given VIRTUAL|search_index VIRTUAL)|TEMP B-TREE/.test(step)
      )
    )
    .filter((sql) => !exceptions.some((exception) => exception.test(sql)));
  assert.deepEqual(slow, []);
});

Deno.test("statements read heads of conversations as they are in memory, because their columns may be older", () => {
  using folder = temporaryFolder();
  using database = Database.open(folder.path);
  const isColumnRead = (sql: string) =>
    sql.replaceAll(/newest_\w+\(c\.id, c\.\w+\)/g, "").match(/\b(c\.uncounted|head_seq|head_position)\b/);
  const reading = preparedStatements(database).filter(isColumnRead);
  // Heads writes the columns; lists of direct conversations replace what they read in the index by the heads in memory.
  const allowed = [
    /^INSERT INTO conversation \(name, head_seq, head_position\) VALUES \(\?, 0, 0\)$/,
    /^UPDATE conversation SET head_seq = \?, head_position = \?, uncounted = \? WHERE id = \?$/,
    /^UPDATE member SET head_position = \? WHERE conversation = \?$/,
    /FROM member m\s.*m\.room = 0 AND m\.head_position [<>] :(after|before)/s,
  ];
  assert.deepEqual(reading.filter((sql) => !allowed.some((pattern) => pattern.test(sql))), []);
});

Deno.test("no statement is replanned whenever it runs", () => {
  using folder = temporaryFolder();
  using database = Database.open(folder.path);
  assert.deepEqual(preparedStatements(database).filter((sql) => /(LIMIT|OFFSET) [:?]/.test(sql)), []);
});
