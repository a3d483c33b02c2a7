import assert from "node:assert/strict";
import { Progress } from "../../src/bench/progress.ts";
import type { Figures, SystemName } from "../../src/bench/result.ts";
import { runRounds } from "../../src/bench/run_rounds.ts";
import type { BenchSystem, StartedSystem, Workload } from "../../src/bench/systems/system.ts";
import { ChatError } from "../../src/core/chat_error.ts";

const silent = new AbortController();
silent.abort();

function figures(perSecond: number): Figures {
  return { seconds: 1, delivered: perSecond, perSecond };
}

/** A system that records when it is started and disposed of. */
function fakeSystem(name: SystemName, notes: string[], overrides: Partial<StartedSystem> = {}): BenchSystem {
  return {
    name,
    start: () => {
      notes.push(`${name} starts`);
      return Promise.resolve({
        processes: {},
        failed: new Promise<never>(() => {}),
        postponed: 0,
        connectPair: () => Promise.reject(new TypeError("not in this test")),
        connectIdle: () => Promise.resolve(),
        [Symbol.asyncDispose]: () => {
          notes.push(`${name} ends`);
          return Promise.resolve();
        },
        ...overrides,
      });
    },
  };
}

function workload(results: readonly (number | Error)[]): Workload {
  const left = [...results];
  return {
    name: "w1",
    title: "",
    users: 0,
    systems: ["grpc-stream"],
    leavesOut: "",
    run: () => {
      const result = left.shift()!;
      return result instanceof Error ? Promise.reject(result) : Promise.resolve(figures(result));
    },
  };
}

const options = {
  rounds: 1,
  seconds: 1,
  serverIsOwn: true,
  systemsAreNamed: false,
  store: { messages: 1_000 },
  newFolder: () => Promise.reject(new TypeError("not in this test")),
  progress: new Progress(silent.signal),
  signal: new AbortController().signal,
};

Deno.test("runRounds() runs systems in turns, one at a time, and returns all rounds", async () => {
  const notes: string[] = [];
  const systems = [fakeSystem("grpc-stream", notes), fakeSystem("bare-grpc", notes)];
  const runs = await runRounds(workload([3, 10, 1, 30, 2, 20]), systems, { ...options, rounds: 3 });
  assert.deepEqual(runs, [
    { workload: "w1", system: "grpc-stream", rounds: [3, 1, 2].map(figures) },
    { workload: "w1", system: "bare-grpc", rounds: [10, 30, 20].map(figures) },
  ]);
  const turn = ["grpc-stream starts", "grpc-stream ends", "bare-grpc starts", "bare-grpc ends"];
  assert.deepEqual(notes, [...turn, ...turn, ...turn]);
});

Deno.test("a system that fails is stopped with its reason and not run again, and the others continue", async () => {
  const notes: string[] = [];
  const systems = [fakeSystem("grpc-stream", notes), fakeSystem("bare-grpc", notes)];
  const failing = workload([new ChatError("unavailable", "It died."), 1, 2]);
  assert.deepEqual(await runRounds(failing, systems, { ...options, rounds: 2 }), [
    { workload: "w1", system: "grpc-stream", problem: "It died.", failed: true },
    { workload: "w1", system: "bare-grpc", rounds: [figures(1), figures(2)] },
  ]);
  assert.equal(notes.filter((note) => note === "grpc-stream starts").length, 1);
  assert.equal(notes[1], "grpc-stream ends");
});

Deno.test("a run ends when a process of its system dies", async () => {
  const system = fakeSystem("grpc-stream", [], { failed: Promise.reject(new ChatError("unavailable", "It died.")) });
  const hanging: Workload = { ...workload([]), run: () => new Promise(() => {}) };
  const [run] = await runRounds(hanging, [system], options);
  assert.equal(run.problem, "It died.");
});

Deno.test("a missing system counts as a failure only when it was named", async () => {
  const missing: BenchSystem = {
    name: "amqp",
    start: () => Promise.reject(new ChatError("not_found", "There is no RabbitMQ.")),
  };
  const one = await runRounds(workload([]), [missing], options);
  const other = await runRounds(workload([]), [missing], { ...options, systemsAreNamed: true });
  assert.deepEqual([...one, ...other].map((run) => "failed" in run && run.failed), [false, true]);
});

Deno.test("a refused system is not started", async () => {
  const notes: string[] = [];
  const refusing: Workload = { ...workload([]), refuses: (system) => `Not on ${system}.` };
  const [run] = await runRounds(refusing, [fakeSystem("bare-amqp", notes)], options);
  assert.equal(run.problem, "Not on bare-amqp.");
  assert.deepEqual(notes, []);
});

Deno.test("figures include postponed sends", async () => {
  const [run] = await runRounds(workload([5]), [fakeSystem("grpc-stream", [], { postponed: 7 })], options);
  assert.deepEqual("rounds" in run && run.rounds.map(({ postponed }) => postponed), [7]);
});

Deno.test("a workload prepares once for all systems and rounds", async () => {
  const asked: number[] = [];
  const prepared = { folder: "/full", stored: 1_000 };
  const seen: unknown[] = [];
  const full: Workload = {
    ...workload([]),
    prepare: ({ messages }) => {
      asked.push(messages);
      return Promise.resolve(prepared);
    },
    run: (_, options) => {
      seen.push(options.prepared);
      return Promise.resolve(figures(1));
    },
  };
  const systems = [fakeSystem("grpc-stream", []), fakeSystem("amqp", [])];
  await runRounds(full, systems, { ...options, rounds: 2 });
  assert.deepEqual(asked, [1_000]);
  assert.deepEqual(seen, [prepared, prepared, prepared, prepared]);
});

Deno.test("a failed preparation is the problem of all systems", async () => {
  const full: Workload = {
    ...workload([]),
    prepare: () => Promise.reject(new ChatError("storage_full", "The disk is small.")),
  };
  const runs = await runRounds(full, [fakeSystem("grpc-stream", []), fakeSystem("amqp", [])], options);
  assert.deepEqual(runs.map(({ problem }) => problem), ["The disk is small.", "The disk is small."]);
});
