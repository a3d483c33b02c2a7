import assert from "node:assert/strict";
import type { AuditEvent, AuditStore, TimedAuditEvent } from "../../../src/core/audit/audit.ts";
import { AuditJournal } from "../../../src/core/audit/audit_journal.ts";
import { silentLog } from "../../../src/core/log.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";

class KeptNotes implements AuditStore {
  readonly written: TimedAuditEvent[][] = [];
  failing = false;

  add(events: readonly TimedAuditEvent[]): Promise<void> {
    if (this.failing) return Promise.reject(new Error("disk full"));
    this.written.push([...events]);
    return Promise.resolve();
  }

  list(): Promise<never[]> {
    return Promise.resolve([]);
  }
}

function journal() {
  const store = new KeptNotes();
  const clock = new FakeClock();
  const lost: unknown[] = [];
  const log = { ...silentLog, error: (_event: string, details = {}) => void lost.push(details) };
  return { store, clock, lost, journal: new AuditJournal({ store, clock, log }) };
}

const loggedIn = (actor: string, more: Partial<AuditEvent> = {}): AuditEvent => ({
  action: "logged_in",
  actor,
  ...more,
});

Deno.test("record() gathers events, and flush() writes them at once", async () => {
  const { journal: audit, store, clock } = journal();
  audit.record(loggedIn("ana", { address: "192.0.2.1", detail: "phone" }));
  audit.record({ action: "user_disabled", actor: "operator", subject: "ben" });
  assert.deepEqual(store.written, []);
  const at = clock.now();
  await Promise.all([audit.flush(), audit.flush()]);
  assert.deepEqual(store.written, [[
    { at, action: "logged_in", actor: "ana", subject: "", address: "192.0.2.1", detail: "phone" },
    { at, action: "user_disabled", actor: "operator", subject: "ben", address: "", detail: "" },
  ]]);
  await audit.flush();
  assert.equal(store.written.length, 1);
});

Deno.test("what somebody named a device is one harmless line in it", async () => {
  const { journal: audit, store } = journal();
  audit.record(loggedIn("ana", { detail: `\x1b[2J${"x\n".repeat(1_000)}` }));
  await audit.flush();
  assert.match(store.written[0][0].detail, /^\P{Cc}{1,200}$/u);
});

Deno.test("of one actor there are so many different notes in a minute, and the others are counted", async () => {
  const { journal: audit, store, clock } = journal();
  const fail = (subject: string) => audit.record({ action: "log_in_failed", actor: "", subject, address: "192.0.2.1" });
  for (let i = 0; i < 100; i++) fail(`user${i}`);
  fail("user1");
  audit.record(loggedIn("ana", { detail: "phone" }));
  await audit.flush();
  const [events] = store.written;
  assert.deepEqual(new Set(events.slice(0, 30).map(({ subject }) => subject)).size, 30);
  for (const event of events.slice(30, 100)) assert.deepEqual([event.subject, event.detail], ["", "and others"]);
  assert.deepEqual(events.slice(100).map(({ subject, detail }) => [subject, detail]), [["user1", ""], ["", "phone"]]);
  clock.advance(60_000);
  fail("user99");
  await audit.flush();
  assert.equal(store.written[1][0].subject, "user99");
});

Deno.test("what a disk does not take is lost, said in the log, and keeps no memory", async () => {
  const { journal: audit, store, lost } = journal();
  store.failing = true;
  for (let i = 0; i < 5_000; i++) audit.record(loggedIn(`user${i}`));
  await audit.flush();
  assert.equal(lost.length, 1);
  assert.equal((lost[0] as { count: number }).count, 5_000);
  store.failing = false;
  audit.record(loggedIn("ana"));
  await audit.flush();
  assert.equal(store.written.length, 1);
});
