import assert from "node:assert/strict";
import type { AuditStore, TimedAuditEvent } from "../../src/core/audit/audit.ts";
import { contractTests } from "./contract_tests.ts";

/** A place for an audit log, empty at first. */
export interface AuditPlace {
  /** Opens the log, after closing the one opened before. `maxNotes` is the number of newest entries that it keeps. */
  open(options?: { maxNotes?: number }): AuditStore;
  close(): void | Promise<void>;
}

const minute = 60_000;
const all = { afterId: 0, since: 0, limit: 1_000 };

function event(more: Partial<TimedAuditEvent> = {}): TimedAuditEvent {
  return { at: minute, action: "logged_in", actor: "ana", subject: "", address: "192.0.2.1", detail: "", ...more };
}

/** What every audit log keeps to. */
export function auditLogContract(name: string, make: () => AuditPlace | Promise<AuditPlace>): void {
  const test = contractTests(name, { open: make, prepare: (place) => place });

  test("events are listed in order, even after the store was reopened", async (place) => {
    const events = [
      event({ detail: "a phone\0, or so" }),
      event({ at: 2 * minute, action: "user_disabled", actor: "operator", subject: "ana" }),
      event({ at: 3 * minute, action: "log_in_failed", actor: "", subject: "ben" }),
    ];
    await place.open().add(events);
    const audit = place.open();
    const listed = await audit.list(all);
    assert.deepEqual(listed.map(({ id: _id, count: _count, ...rest }) => rest), events);
    assert.deepEqual(listed.map(({ count }) => count), [1, 1, 1]);
    assert.deepEqual((await audit.list({ ...all, limit: 2 })).map(({ at }) => at), [minute, 2 * minute]);
    assert.deepEqual((await audit.list({ ...all, afterId: listed[1].id })).map(({ at }) => at), [3 * minute]);
    assert.deepEqual((await audit.list({ ...all, since: 2 * minute })).length, 2);
    assert.deepEqual((await audit.list({ ...all, user: "ana" })).map(({ at }) => at), [minute, 2 * minute]);
    assert.deepEqual((await audit.list({ ...all, user: "nobody" })).length, 0);
  });

  test("equal events within a minute are one entry with a count, the last time and the last address", async (place) => {
    const audit = place.open();
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

  test("no events add nothing", async (place) => {
    const audit = place.open();
    await audit.add([]);
    assert.deepEqual(await audit.list(all), []);
  });

  test("the oldest entries are removed when the log is full", async (place) => {
    const audit = place.open({ maxNotes: 10 });
    for (let i = 0; i < 7; i++) await audit.add([event({ at: i * minute }), event({ at: i * minute, actor: "ben" })]);
    const listed = await audit.list(all);
    assert.equal(listed.length, 10);
    assert.deepEqual([listed[0].at, listed.at(-1)!.at], [2 * minute, 6 * minute]);
  });

  test("an event that happens again and again pushes no other one out", async (place) => {
    const audit = place.open({ maxNotes: 3 });
    await audit.add([event({ actor: "ben" })]);
    for (let i = 0; i < 9; i++) await audit.add([event({ detail: "again" })]);
    await audit.add([event({ actor: "cleo" })]);
    const listed = await audit.list(all);
    assert.deepEqual(listed.map(({ actor, count }) => [actor, count]), [["ben", 1], ["ana", 9], ["cleo", 1]]);
  });
}
