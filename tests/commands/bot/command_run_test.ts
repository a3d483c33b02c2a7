import assert from "node:assert/strict";
import { runCommand } from "../../../src/commands/bot/command_run.ts";

const day = 24 * 60 * 60 * 1000;

function run(command: readonly string[], timeoutMs: number) {
  const signal = new AbortController().signal;
  return runCommand({ command, input: "hi", env: {}, timeoutMs, maxBytes: 1_000, signal });
}

Deno.test("a command may have more time than a timer can wait", { ignore: Deno.build.os === "windows" }, async () => {
  const outcome = await run(["sh", "-c", "cat; sleep 0.2; echo ' there'"], 30 * day);
  assert.deepEqual(outcome, { text: "hi there", problem: undefined });
});

Deno.test("a command that takes longer than its time is ended", { ignore: Deno.build.os === "windows" }, async () => {
  assert.deepEqual(await run(["sleep", "60"], 100), { text: "", problem: "did not end within 0.1 s" });
});
