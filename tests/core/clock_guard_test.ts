import assert from "node:assert/strict";
import { ClockGuard, clockLagMs, clockLeadMs, type ClockStore, doubtMs, trustMs } from "../../src/core/clock_guard.ts";

const seen = Date.UTC(2026, 0, 1);
const year = 365 * 24 * 60 * 60 * 1000;

class MemoryClockStore implements ClockStore {
  readonly lastSeenAt: number | undefined;
  readonly newestEntryAt: number | undefined;
  readonly noted: number[] = [];
  readonly restamped: number[] = [];

  constructor({ lastSeenAt, newestEntryAt }: { lastSeenAt?: number; newestEntryAt?: number }) {
    this.lastSeenAt = lastSeenAt;
    this.newestEntryAt = newestEntryAt;
  }

  noteSeen(time: number): Promise<void> {
    this.noted.push(time);
    return Promise.resolve();
  }

  restamp(time: number): Promise<void> {
    this.restamped.push(time);
    return Promise.resolve();
  }
}

/** A guard that starts at `now`; `pass` lets time go by, `set` sets the clock. */
function startAt(now: number, times: { lastSeenAt?: number; newestEntryAt?: number } = { lastSeenAt: seen }) {
  const store = new MemoryClockStore(times);
  let elapsed = 0;
  const lines: [level: string, event: string, details?: Record<string, unknown>][] = [];
  const log = {
    info: (...line: [string]) => void lines.push(["info", ...line]),
    warn: (...line: [string]) => void lines.push(["warn", ...line]),
    error: (...line: [string]) => void lines.push(["error", ...line]),
  };
  const guard = new ClockGuard({ clock: { now: () => now }, store, log, monotonic: () => elapsed });
  guard.start();
  return {
    guard,
    store,
    lines,
    pass: (ms: number) => (now += ms, elapsed += ms),
    set: (time: number) => now = time,
    bounds: () => [guard.earliest(), guard.latest()],
    [Symbol.asyncDispose]: () => guard.close(),
  };
}

Deno.test("a clock that went on from the last time seen is believed, and noted", async () => {
  const test = startAt(seen + clockLeadMs);
  assert.deepEqual(test.bounds(), [seen + clockLeadMs, seen + clockLeadMs]);
  assert.equal(test.guard.expected, undefined);
  test.pass(year);
  assert.deepEqual(test.bounds(), [seen + clockLeadMs + year, seen + clockLeadMs + year]);
  await test.guard.close();
  assert.deepEqual(test.store.noted, [seen + clockLeadMs, seen + clockLeadMs + year]);
  assert.deepEqual(test.lines, []);
});

Deno.test("a clock that is far ahead makes nothing old for an hour, is an error in the log, and is not noted", async () => {
  await using test = startAt(seen + year, { lastSeenAt: seen, newestEntryAt: seen - 5_000 });
  test.pass(doubtMs - 1);
  assert.equal(test.guard.expected, seen + doubtMs - 1);
  assert.deepEqual(test.bounds(), [seen + doubtMs - 1, seen + year + doubtMs - 1]);
  const [[level, event, details], ...others] = test.lines;
  assert.deepEqual([level, others], ["error", []]);
  assert.match(event, /ahead of the last time seen/);
  assert.deepEqual(details, {
    clock: "2027-01-01T00:00:00.000Z",
    expected: "2026-01-01T00:00:00.000Z",
    lastSeen: "2026-01-01T00:00:00.000Z",
    newestEntry: "2025-12-31T23:59:55.000Z",
  });
  assert.deepEqual(test.store.noted, []);
  test.pass(1);
  assert.equal(test.guard.expected, undefined);
  assert.deepEqual(test.bounds(), [seen + year + doubtMs, seen + year + doubtMs]);
  assert.equal(test.lines.length, 2);
});

Deno.test("a clock that is set right is believed at once", async () => {
  await using test = startAt(seen + year);
  test.pass(60_000);
  assert.equal(test.guard.expected, seen + 60_000);
  test.set(seen + 61_000);
  assert.deepEqual(test.bounds(), [seen + 61_000, seen + 61_000]);
  assert.equal(test.guard.expected, undefined);
  assert.deepEqual(test.lines.map(([level]) => level), ["error", "info"]);
});

Deno.test("where no time was seen, the newest entry counts", async () => {
  await using test = startAt(seen + year, { newestEntryAt: seen });
  assert.equal(test.guard.expected, seen);
  await using empty = startAt(seen + year, {});
  assert.equal(empty.guard.expected, undefined);
  assert.deepEqual(empty.lines, []);
});

Deno.test("a clock that is behind stamps what will get old with the time that is expected, and is an error in the log", async () => {
  await using test = startAt(0);
  test.pass(1_000);
  assert.deepEqual(test.bounds(), [1_000, seen + 1_000]);
  assert.deepEqual(test.lines.map(([level]) => level), ["error"]);
  assert.deepEqual(test.store.noted, []);
  await using little = startAt(seen - clockLagMs);
  assert.equal(little.guard.expected, undefined);
});

Deno.test("the time that is expected is a whole number of milliseconds, as the store keeps it", async () => {
  for (const time of [0, seen + year]) {
    await using test = startAt(time);
    test.pass(1_000.25);
    assert.equal(test.guard.expected, seen + 1_000);
    assert.ok(test.bounds().includes(seen + 1_000));
  }
});

Deno.test("a newest entry from the future is an error in the log, and no reason to doubt a clock that was seen", async () => {
  await using test = startAt(seen, { lastSeenAt: seen, newestEntryAt: seen + year });
  assert.equal(test.guard.expected, undefined);
  assert.deepEqual(test.lines.map(([level, event]) => [level, event.includes("behind")]), [["error", true]]);
});

Deno.test("a clock that jumps while the server runs is in doubt, too", async () => {
  await using test = startAt(seen);
  test.pass(5_000);
  assert.deepEqual(test.bounds(), [seen + 5_000, seen + 5_000]);
  test.set(seen + year);
  assert.equal(test.guard.expected, seen + 5_000);
  assert.deepEqual(test.bounds(), [seen + 5_000, seen + year]);
});

Deno.test("later stamps are stamped anew once a server ran for a day with its clock", async () => {
  for (const [ms, restamped] of [[trustMs - 1, []], [trustMs, [seen + trustMs]]] as const) {
    const test = startAt(seen);
    test.pass(ms);
    await test.guard.close();
    assert.deepEqual(test.store.restamped, restamped);
    assert.equal(test.store.noted.length, 2);
  }
});

Deno.test("a clock that was believed though it never became right stamps nothing anew for a day from then on", async () => {
  for (const [ms, restamped] of [[trustMs - 1, 0], [trustMs, 1]]) {
    const test = startAt(seen);
    test.pass(2 * trustMs);
    assert.equal(test.guard.expected, undefined);
    test.set(seen - year);
    assert.notEqual(test.guard.expected, undefined);
    test.pass(doubtMs);
    assert.equal(test.guard.expected, undefined);
    test.pass(ms);
    await test.guard.close();
    assert.equal(test.store.restamped.length, restamped);
  }
});

Deno.test("a clock that is right again goes on with the day that it had run", async () => {
  const test = startAt(seen);
  test.pass(trustMs);
  assert.equal(test.guard.expected, undefined);
  test.set(seen + year);
  assert.notEqual(test.guard.expected, undefined);
  test.set(seen + trustMs);
  await test.guard.close();
  assert.deepEqual(test.store.restamped, [seen + trustMs]);
});
