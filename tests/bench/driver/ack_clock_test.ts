import assert from "node:assert/strict";
import { AckClock } from "../../../src/bench/driver/ack_clock.ts";
import { eventually } from "../../support/waiting/eventually.ts";

class Waiting {
  count = 0;

  acknowledge(): void {
    this.count++;
  }
}

Deno.test("each session acknowledges once for any number of frames, and not after it was forgotten", async () => {
  using clock = new AckClock(20);
  const sessions = Array.from({ length: 25 }, () => new Waiting());
  const forgotten = new Waiting();
  for (const session of [...sessions, ...sessions, forgotten]) clock.add(session);
  clock.forget(forgotten);
  await eventually(() => sessions.every(({ count }) => count === 1));
  const [first] = sessions;
  clock.add(first);
  await eventually(() => first.count === 2);
  assert.deepEqual(sessions.slice(1).map(({ count }) => count), sessions.slice(1).map(() => 1));
  assert.equal(forgotten.count, 0);
});
