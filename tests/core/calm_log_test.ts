import assert from "node:assert/strict";
import { calmLog } from "../../src/core/calm_log.ts";
import { silentLog } from "../../src/core/log.ts";

Deno.test("a warning that a client repeats fills no disk, hides no other, and says how many were left out", () => {
  const lines: unknown[] = [];
  let now = 0;
  const log = calmLog({ ...silentLog, warn: (event, details) => void lines.push([event, details]) }, () => now);
  for (let count = 0; count < 15_000; count++) log.warn("forged reply_to", { user: "mallory" });
  assert.equal(lines.length, 10);
  log.warn("flood dropped", { user: "trudy" });
  assert.deepEqual(lines.at(-1), ["flood dropped", { user: "trudy" }]);
  now = 10_000;
  log.warn("forged reply_to", { user: "mallory" });
  assert.deepEqual(lines.at(-1), ["forged reply_to", { user: "mallory", leftOut: 14_990 }]);
  log.warn("forged reply_to", { user: "mallory" });
  assert.equal(lines.length, 12);
});
