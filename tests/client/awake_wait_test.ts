import assert from "node:assert/strict";
import { waitAwake } from "../../src/client/awake_wait.ts";
import type { Timers } from "../../src/client/timers.ts";
import { ManualTimers } from "../support/fakes/manual_timers.ts";

Deno.test("waitAwake() runs after its time, and not when it was cancelled", async () => {
  const timers = new ManualTimers();
  let ended = 0;
  waitAwake(timers, 60_000, () => ended++);
  const cancel = waitAwake(timers, 60_000, () => ended++);
  await timers.advance(59_999);
  assert.equal(ended, 0);
  cancel();
  await timers.advance(1);
  assert.equal(ended, 1);
  assert.equal(timers.pending, 0);
});

Deno.test("waitAwake() does not count a sleep of the machine", async () => {
  const timers = new ManualTimers();
  let sleepMs = 600_000;
  const sleepy: Timers = {
    now: () => timers.now(),
    after: (ms, run) => timers.after(ms + sleepMs, run),
  };
  let ended = 0;
  waitAwake(sleepy, 60_000, () => ended++);
  sleepMs = 0;
  await timers.advance(600_000 + 58_000);
  assert.equal(ended, 0);
  await timers.advance(2_000);
  assert.equal(ended, 1);
});
