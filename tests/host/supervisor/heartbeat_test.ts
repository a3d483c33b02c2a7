import assert from "node:assert/strict";
import { Heartbeat } from "../../../src/host/supervisor/heartbeat.ts";

/** The times in docs/operating.md. */
const intervalMs = 5_000;
const limitMs = 60_000;

/** A heartbeat with intervals under control of the test. */
class Watched {
  asked = 0;
  readonly silences: number[] = [];
  #now = 0;
  readonly heartbeat = new Heartbeat({
    ask: () => this.asked += 1,
    onSilence: (ms) => this.silences.push(ms),
    now: () => this.#now,
  });

  /** Ends an interval of `ms`. */
  tick(ms = intervalMs): void {
    this.#now += ms;
    this.heartbeat.tick();
  }
}

Deno.test("a process that answers is asked at each interval", () => {
  const watched = new Watched();
  for (let count = 0; count < 100; count++) {
    watched.tick();
    watched.heartbeat.answered();
  }
  assert.deepEqual([watched.asked, watched.silences], [100, []]);
});

Deno.test("a process that answers just in time is kept, and gets no second question", () => {
  const watched = new Watched();
  for (let round = 1; round <= 10; round++) {
    for (let count = 0; count < limitMs / intervalMs; count++) watched.tick();
    assert.equal(watched.asked, round);
    watched.heartbeat.answered();
  }
  assert.deepEqual(watched.silences, []);
});

Deno.test("a process that is silent for too long is reported once", () => {
  const watched = new Watched();
  for (let count = 0; count <= limitMs / intervalMs; count++) watched.tick();
  assert.deepEqual([watched.asked, watched.silences], [1, [limitMs]]);
});

Deno.test("time in which both processes stood still, as during sleep, counts as two intervals at most", () => {
  const watched = new Watched();
  watched.tick();
  watched.tick(8 * 3_600_000);
  watched.heartbeat.answered();
  assert.deepEqual(watched.silences, []);
  watched.tick();
  // Five nights of sleep without an answer count as a silence of fifty seconds.
  for (let count = 0; count < 5; count++) watched.tick(8 * 3_600_000);
  assert.deepEqual(watched.silences, []);
  watched.tick(8 * 3_600_000);
  assert.deepEqual(watched.silences, [limitMs]);
});
