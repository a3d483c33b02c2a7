import assert from "node:assert/strict";
import {
  ownCpuMs,
  parentOf,
  parseFamily,
  parseMemory,
  parsePs,
  parseStat,
  threadsBetween,
  threadsOf,
  treeCpuMs,
  usageOf,
} from "../../../src/bench/workloads/process_usage.ts";
import { standardDeadlineMs } from "../../support/waiting/deadlines.ts";
import { eventually } from "../../support/waiting/eventually.ts";

Deno.test("parseStat() finds the CPU time after a program's name with any characters", () => {
  const rest = "S 1 2 3 0 -1 4194560 5 6 7 8 250 50 9 10 20 0 11 0 12";
  assert.equal(parseStat(`4711 (deno) ${rest}`), 3_000);
  assert.equal(parseStat(`4711 (a) R 9 (b c) ${rest}`), 3_000);
});

Deno.test("parseFamily() finds the parent, and the CPU time of ended children apart", () => {
  const rest = "S 17 2 3 0 -1 4194560 5 6 7 8 250 50 9 10 20 0 11 0 12";
  assert.deepEqual(parseFamily(`4711 (a) R 9 (b c) ${rest}`), {
    pid: 4711,
    parentPid: 17,
    cpuMs: 3_000,
    endedCpuMs: 190,
  });
});

Deno.test("treeCpuMs() counts running and ended children", { ignore: Deno.build.os !== "linux" }, async () => {
  const work = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
  const script = `sh -c '${work}'; sh -c '${work}; read end' & echo ready; read end`;
  const family = new Deno.Command("sh", { args: ["-c", script], stdin: "piped", stdout: "null" }).spawn();
  try {
    await eventually(async () => (await treeCpuMs(family.pid))! >= 20, () => "the children's CPU is counted");
    assert.equal(await parentOf(family.pid), Deno.pid);
  } finally {
    await family.stdin.close();
    family.kill();
    await family.status;
  }
  assert.equal(await treeCpuMs(family.pid), undefined);
});

Deno.test("parseMemory() reads Pss, or else VmRSS", () => {
  assert.equal(parseMemory("5d66-7fff ---p 00000000 00:00 0 [rollup]\nRss: 45728 kB\nPss: 13148 kB\n"), 13_148 * 1024);
  assert.equal(parseMemory("Name:\tdeno\nVmHWM:\t 70000 kB\nVmRSS:\t   60000 kB\n"), 60_000 * 1024);
});

Deno.test("parsePs() reads times with and without hours", () => {
  assert.deepEqual(parsePs("  1:02.34   5678\n"), { cpuMs: 62_340, memoryBytes: 5_678 * 1024 });
  assert.deepEqual(parsePs("1:00:00.50 1"), { cpuMs: 3_600_500, memoryBytes: 1024 });
});

Deno.test("CPU time grows with work, and usageOf() and ownCpuMs() agree", async () => {
  const [before, ownBefore] = [await usageOf(Deno.pid), ownCpuMs()];
  assert.ok(before !== undefined && before.memoryBytes > 1024 ** 2);
  let now = before;
  const deadline = performance.now() + standardDeadlineMs;
  while (now.cpuMs < before.cpuMs + 100) {
    assert.ok(performance.now() < deadline, "no CPU was counted");
    for (let i = 0; i < 1e6; i++) Math.sqrt(i);
    now = (await usageOf(Deno.pid))!;
  }
  const own = ownCpuMs() - ownBefore;
  assert.ok(own >= 70, `${own} ms by one way, 100 or more by the other`);
});

Deno.test("threadsBetween() adds the threads of a name, the busiest first, and leaves out idle ones", () => {
  const before = new Map([["1", { name: "main", cpuMs: 100 }], ["2", { name: "pool", cpuMs: 50 }]]);
  const after = new Map([
    ["1", { name: "main", cpuMs: 130 }],
    ["2", { name: "pool", cpuMs: 60 }],
    ["3", { name: "pool", cpuMs: 40 }],
    ["4", { name: "idle", cpuMs: 0 }],
  ]);
  assert.deepEqual(threadsBetween(before, after), [{ name: "pool", cpuMs: 50 }, { name: "main", cpuMs: 30 }]);
});

Deno.test("threadsOf() reads the names and the CPU of all threads", { ignore: Deno.build.os !== "linux" }, async () => {
  const threads = [...(await threadsOf(Deno.pid)).values()];
  const { cpuMs } = (await usageOf(Deno.pid))!;
  assert.ok(threads.length > 1 && threads.every(({ name }) => name !== ""));
  const sum = threads.reduce((sum, thread) => sum + thread.cpuMs, 0);
  assert.ok(sum > 0 && sum <= cpuMs, `${sum} ms of threads, ${cpuMs} ms of the process`);
});

Deno.test("usageOf() is undefined for a process that does not exist", async () => {
  const child = new Deno.Command("true").spawn();
  await child.status;
  assert.equal(await usageOf(child.pid), undefined);
});

Deno.test("usageOf() reads the same without the permission to read /proc", async () => {
  const script = new URL("../../../src/bench/workloads/process_usage.ts", import.meta.url).href;
  const code = `import { usageOf } from ${
    JSON.stringify(script)
  }; console.log(JSON.stringify(await usageOf(Deno.pid)));`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-check", "--allow-read", "--allow-run", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(code));
  await input.close();
  const { stdout } = await child.output();
  const { cpuMs, memoryBytes } = JSON.parse(new TextDecoder().decode(stdout));
  assert.ok(cpuMs > 0 && memoryBytes > 1024 ** 2);
});
