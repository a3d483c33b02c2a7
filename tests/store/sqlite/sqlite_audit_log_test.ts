import assert from "node:assert/strict";
import type { TimedAuditEvent } from "../../../src/core/audit/audit.ts";
import { Database } from "../../../src/store/sqlite/database.ts";
import { SqliteAuditLog } from "../../../src/store/sqlite/sqlite_audit_log.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

const minute = 60_000;

function event(more: Partial<TimedAuditEvent> = {}): TimedAuditEvent {
  return { at: minute, action: "logged_in", actor: "ana", subject: "", address: "192.0.2.1", detail: "", ...more };
}

const all = { afterId: 0, since: 0, limit: 1_000 };

Deno.test("events are listed in order, even after the store was reopened", async () => {
  using folder = temporaryFolder();
  const events = [
    event({ detail: "a phone\0, or so" }),
    event({ at: 2 * minute, action: "user_disabled", actor: "operator", subject: "ana" }),
    event({ at: 3 * minute, action: "log_in_failed", actor: "", subject: "ben" }),
  ];
  {
    using database = Database.open(folder.path);
    await new SqliteAuditLog(database).add(events);
  }
  using database = Database.open(folder.path);
  const audit = new SqliteAuditLog(database);
  const listed = await audit.list(all);
  assert.deepEqual(listed.map(({ id: _id, count: _count, ...rest }) => rest), events);
  assert.deepEqual(listed.map(({ count }) => count), [1, 1, 1]);
  assert.deepEqual((await audit.list({ ...all, limit: 2 })).map(({ at }) => at), [minute, 2 * minute]);
  assert.deepEqual((await audit.list({ ...all, afterId: listed[1].id })).map(({ at }) => at), [3 * minute]);
  assert.deepEqual((await audit.list({ ...all, since: 2 * minute })).length, 2);
  assert.deepEqual((await audit.list({ ...all, user: "ana" })).map(({ at }) => at), [minute, 2 * minute]);
  assert.deepEqual((await audit.list({ ...all, user: "nobody" })).length, 0);
});

Deno.test("equal events within a minute are one entry with a count, the last time and the last address", async () => {
  using folder = temporaryFolder();
  using database = Database.open(folder.path);
  const audit = new SqliteAuditLog(database);
  const failed = (at: number, subject: string, address: string) =>
    event({ at, action: "log_in_failed", actor: "", subject, address });
  await audit.add([failed(minute, "ben", "192.0.2.1"), failed(minute + 1, "ben", "192.0.2.2")]);
  await audit.add([failed(minute + 2, "ben", "192.0.2.3"), failed(minute + 3, "cleo", "192.0.2.3")]);
  await audit.add([failed(2 * minute, "ben", "192.0.2.4")]);
  const listed = await audit.list(all);
  assert.deepEqual(listed.map(({ at, subject, address, count }) => [at, subject, address, count]), [
    [minute + 2, "ben", "192.0.2.3", 3],
    [minute + 3, "cleo", "192.0.2.3", 1],
    [2 * minute, "ben", "192.0.2.4", 1],
  ]);
});

Deno.test("the oldest entries are removed when the log is full", async () => {
  using folder = temporaryFolder();
  using database = Database.open(folder.path);
  const audit = new SqliteAuditLog(database, { maxNotes: 10 });
  for (let i = 0; i < 7; i++) await audit.add([event({ at: i * minute }), event({ at: i * minute, actor: "ben" })]);
  const listed = await audit.list(all);
  assert.equal(listed.length, 10);
  assert.deepEqual([listed[0].at, listed.at(-1)!.at], [2 * minute, 6 * minute]);
});
