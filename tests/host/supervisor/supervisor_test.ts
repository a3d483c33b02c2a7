import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { crashedExitCode, refusedExitCode } from "../../../src/host/supervisor/exit_codes.ts";
import type { HeartbeatTimes } from "../../../src/host/supervisor/heartbeat.ts";
import { StartFiles } from "../../../src/host/supervisor/start_files.ts";
import { mustRestart, restartDelay, supervise } from "../../../src/host/supervisor/supervisor.ts";

function ended(code: number, signal: Deno.Signal | null = null): Deno.CommandStatus {
  return { success: code === 0 && signal === null, code, signal };
}

Deno.test("mustRestart() restarts a process that died, whether it served or not", () => {
  for (const status of [ended(134, "SIGABRT"), ended(137, "SIGKILL"), ended(139), ended(crashedExitCode)]) {
    for (const served of [false, true]) assert.ok(mustRestart(status, { served }));
  }
});

Deno.test("mustRestart() does not restart a process that ended in order", () => {
  for (const served of [false, true]) assert.equal(mustRestart(ended(0), { served }), false);
});

Deno.test("mustRestart() does not restart a process that could not start, unless one served before", () => {
  for (const code of [1, 2]) {
    assert.equal(mustRestart(ended(code), { served: false }), false);
    assert.ok(mustRestart(ended(code), { served: true }));
  }
});

Deno.test("mustRestart() never restarts after refusedExitCode", () => {
  for (const served of [false, true]) assert.equal(mustRestart(ended(refusedExitCode), { served }), false);
});

Deno.test("restartDelay() is 0 at first and at most a second", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 1000].map(restartDelay), [0, 0, 250, 500, 750, 1000, 1000, 1000]);
});

const oddServer = fileURLToPath(new URL("../../support/processes/odd_server.ts", import.meta.url));

/**
 * Supervises a serving process with a behaviour until it ends in order.
 * @returns the events of the log, and the ports
 */
async function superviseOdd(conduct: string, heartbeat: HeartbeatTimes) {
  const events: string[] = [];
  const ports: number[] = [];
  const write = (event: string) => void events.push(event);
  const log = { info: write, warn: write, error: write, dropped: 0, flush: () => Promise.resolve() };
  const command = { program: Deno.execPath(), args: ["run", "--no-check", "--quiet", "-A", oddServer, conduct] };
  const onListening = ({ port }: { port: number }) => void ports.push(port);
  const startFiles = new StartFiles([]);
  const code = await supervise({ command, check: command, startFiles, port: 0, log, heartbeat, onListening });
  return { code, events, ports };
}

Deno.test("a serving process that hangs is killed and replaced", async () => {
  const { code, events, ports } = await superviseOdd("spins", { intervalMs: 20, limitMs: 500 });
  assert.equal(code, 0);
  assert.deepEqual(events, [
    "the serving process hangs; killing it",
    "the serving process died; starting it again",
    "serving again",
  ]);
  assert.deepEqual(ports, [4711]);
});

Deno.test("a serving process that answers each question is kept", async () => {
  const { events } = await superviseOdd("answers", { intervalMs: 20, limitMs: 60_000 });
  assert.deepEqual(events, ["the serving process died; starting it again", "serving again"]);
});
