import assert from "node:assert/strict";
import { systemTimers } from "../../src/client/timers.ts";
import { turns } from "../support/waiting/turns.ts";

Deno.test("a wait beyond the longest timer does not end at once", async () => {
  let ended = 0;
  const cancels = [2 ** 31, 2 ** 40, Infinity].map((ms) => systemTimers.after(ms, () => ended++));
  await turns(5);
  for (const cancel of cancels) cancel();
  assert.equal(ended, 0);
});
