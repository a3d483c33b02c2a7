import assert from "node:assert/strict";
import { mustRestart, restartDelay } from "../../src/app/supervisor.ts";
import { refusedExitCode } from "../../src/app/supervisor_link.ts";
import { crashedExitCode } from "../../src/app/uncaught_errors.ts";

function ended(code: number, signal: Deno.Signal | null = null): Deno.CommandStatus {
  return { success: code === 0 && signal === null, code, signal };
}

Deno.test("mustRestart() starts again what died, whether it ever served or not", () => {
  for (const status of [ended(134, "SIGABRT"), ended(137, "SIGKILL"), ended(139), ended(crashedExitCode)]) {
    for (const served of [false, true]) assert.ok(mustRestart(status, { served }));
  }
});

Deno.test("mustRestart() leaves alone what ended as it was asked to", () => {
  for (const served of [false, true]) assert.equal(mustRestart(ended(0), { served }), false);
});

Deno.test("mustRestart() takes a refusal to start as final, unless the same has served before", () => {
  for (const code of [1, 2]) {
    assert.equal(mustRestart(ended(code), { served: false }), false);
    assert.ok(mustRestart(ended(code), { served: true }));
  }
});

Deno.test("mustRestart() believes a process that says it would be refused again", () => {
  for (const served of [false, true]) assert.equal(mustRestart(ended(refusedExitCode), { served }), false);
});

Deno.test("restartDelay() starts again at once first, and never waits longer than a second", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 1000].map(restartDelay), [0, 0, 250, 500, 750, 1000, 1000, 1000]);
});
