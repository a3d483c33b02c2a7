import assert from "node:assert/strict";
import { silentLog } from "../../src/core/log.ts";
import { Sweep, type SweepOptions } from "../../src/core/sweep.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { turns } from "../support/waiting/turns.ts";

/** A sweep whose runs end on demand. */
function gatedSweep(options: Partial<SweepOptions> = {}) {
  const runs: { signal: AbortSignal; end: PromiseWithResolvers<void> }[] = [];
  const work = (signal: AbortSignal) => {
    const end = Promise.withResolvers<void>();
    runs.push({ signal, end });
    return end.promise;
  };
  return { runs, sweep: new Sweep({ work, log: silentLog, failureEvent: "failed", ...options }) };
}

Deno.test("run() during a run causes another run, and resolves after it", async () => {
  const { runs, sweep } = gatedSweep();
  const done: string[] = [];
  const first = sweep.run().then(() => done.push("first"));
  const others = [sweep.run(), sweep.run()].map((other) => other.then(() => done.push("other")));
  assert.equal(runs.length, 1);
  runs[0].end.resolve();
  await eventually(() => runs.length === 2);
  assert.deepEqual(done, []);
  runs[1].end.resolve();
  await Promise.all([first, ...others]);
  assert.deepEqual([runs.length, done.length], [2, 3]);
  const later = sweep.run();
  assert.equal(runs.length, 3);
  runs[2].end.resolve();
  await later;
});

Deno.test("a failed run is logged, and does not prevent the next", async () => {
  const logged: [string, unknown][] = [];
  const log = { ...silentLog, error: (event: string, details?: object) => void logged.push([event, details]) };
  const { runs, sweep } = gatedSweep({ log });
  const both = Promise.all([sweep.run(), sweep.run()]);
  const cause = new Error("no disk");
  runs[0].end.reject(cause);
  await eventually(() => runs.length === 2);
  runs[1].end.resolve();
  await both;
  assert.deepEqual(logged, [["failed", { cause }]]);
});

Deno.test("start() runs at once and at intervals, and close() stops both and joins the run", async () => {
  const { runs, sweep } = gatedSweep({ everyMs: 1 });
  sweep.start();
  assert.equal(runs.length, 1);
  runs[0].end.resolve();
  await eventually(() => runs.length === 2);
  void sweep.run();
  let isClosed = false;
  const closed = sweep.close().then(() => isClosed = true);
  assert.ok(runs[1].signal.aborted);
  await turns(3);
  assert.equal(isClosed, false);
  runs[1].end.resolve();
  await closed;
  sweep.start();
  await sweep.run();
  assert.equal(runs.length, 2);
});
