import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Log, silentLog } from "../../../src/core/log.ts";
import { Database, databasePath } from "../../../src/store/sqlite/database.ts";
import { LogGrowth } from "../../../src/store/sqlite/log_growth.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

const mebibyte = 1024 * 1024;

Deno.test("LogGrowth warns each time the log has doubled without truncation", () => {
  const told: unknown[] = [];
  const log: Log = {
    ...silentLog,
    warn: (_event, fields) => told.push(fields?.bytes),
    info: (event) => told.push(event),
  };
  const growth = new LogGrowth(log);
  for (const size of [100, 255, 256, 300, 511, 512, 2_000, 3_000]) {
    growth.recordAttempt({ emptied: false, bytes: size * mebibyte });
  }
  assert.deepEqual(told, [256, 512, 2_000].map((size) => size * mebibyte));
  growth.recordAttempt({ emptied: true, bytes: 0 });
  growth.recordAttempt({ emptied: true, bytes: 0 });
  growth.recordAttempt({ emptied: false, bytes: 256 * mebibyte });
  assert.deepEqual(told.slice(3), ["the write-ahead log was truncated", 256 * mebibyte]);
});

Deno.test("the size of the write-ahead log is known while a reader prevents its truncation, and afterwards", () => {
  using folder = temporaryFolder();
  using database = Database.open(folder.path);
  database.transaction(() => database.prepare("INSERT INTO retired_name VALUES ('a')").run());
  using reader = new DatabaseSync(databasePath(folder.path), { readOnly: true });
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM retired_name").get();
  database.transaction(() => database.prepare("INSERT INTO retired_name VALUES ('b')").run());
  assert.equal(database.truncateLog(), false);
  assert.ok(database.logBytes > 0);
  reader.exec("COMMIT");
  assert.equal(database.truncateLog(), true);
  assert.equal(database.logBytes, 0);
});
