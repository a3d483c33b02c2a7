import assert from "node:assert/strict";
import { Heartbeat } from "../../../src/host/supervisor/heartbeat.ts";

/** As docs/operating.md has them. */
const intervalMs = 5_000;
const limitMs = 60_000;

/** A heartbeat whose intervals a test makes pass. */
class Watched {
  asked = 0;
  readonly silences: number[] = [];
  #now = 0;
  readonly heartbeat = new Heartbeat({
    ask: () => this.asked += 1,
    onSilence: (ms) => this.silences.push(ms),
    now: () => this.#now,
  });

  /** An interval that takes `ms`. */
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

Deno.test("a process that takes nearly as long as it may lives, and is not asked meanwhile", () => {
  const watched = new Watched();
  for (let round = 1; round <= 10; round++) {
    for (let count = 0; count < limitMs / intervalMs; count++) watched.tick();
    assert.equal(watched.asked, round);
    watched.heartbeat.answered();
  }
  assert.deepEqual(watched.silences, []);
});

Deno.test("a process that is silent for too long is told of once", () => {
  const watched = new Watched();
  for (let count = 0; count <= limitMs / intervalMs; count++) watched.tick();
  assert.deepEqual([watched.asked, watched.silences], [1, [limitMs]]);
});

Deno.test("time in which nothing ran, both stopped or the machine asleep, counts as two intervals", () => {
  const watched = new Watched();
  watched.tick();
  watched.tick(8 * 3_600_000);
  watched.heartbeat.answered();
  assert.deepEqual(watched.silences, []);
  watched.tick();
  // Five nights in a row without an answer between them are not more than one silence of fifty seconds.
  for (let count = 0; count < 5; count++) watched.tick(8 * 3_600_000);
  assert.deepEqual(watched.silences, []);
  watched.tick(8 * 3_600_000);
  assert.deepEqual(watched.silences, [limitMs]);
});
