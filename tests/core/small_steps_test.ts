import assert from "node:assert/strict";
import { inSmallSteps } from "../../src/core/small_steps.ts";

Deno.test("all of the work is done, in steps that stay within a limit", async () => {
  let left = 1_000;
  const steps: number[] = [];
  const done = await inSmallSteps((limit) => {
    assert.ok(limit <= 256);
    const count = Math.min(left, limit);
    left -= count;
    steps.push(count);
    return Promise.resolve(count);
  }, new AbortController().signal);
  assert.deepEqual([done, left, steps.at(-1)], [1_000, 0, 0]);
  assert.ok(steps.length > 4);
});

Deno.test("work that is ended before its end says how much was done", async () => {
  const stop = new AbortController();
  const done = await inSmallSteps(() => {
    stop.abort();
    return Promise.resolve(5);
  }, stop.signal);
  assert.equal(done, 5);
  assert.equal(await inSmallSteps(() => assert.fail("begun after the end"), stop.signal), 0);
});
