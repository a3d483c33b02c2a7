import assert from "node:assert/strict";
import { medianRound, withRatios } from "../../../src/bench/report/ratios.ts";
import type { Figures, MeasuredRounds, NotMeasured, SystemName, WorkloadName } from "../../../src/bench/result.ts";

function round(figures: Partial<Figures>): Figures {
  return { seconds: 1, delivered: 1_000, perSecond: 1_000, ...figures };
}

function rounds(workload: WorkloadName, system: SystemName, ...all: Partial<Figures>[]): MeasuredRounds {
  return { workload, system, rounds: all.map(round) };
}

function took(p50: number, p99 = p50): Pick<Figures, "latencyMs"> {
  return { latencyMs: { p50, p90: p50, p99, max: p99, histogram: [] } };
}

function ratiosOf(results: readonly (MeasuredRounds | NotMeasured)[]) {
  return withRatios(results).map((run) => "ratios" in run ? run.ratios : undefined);
}

Deno.test("each transport of chatd is compared with the limits of its transport", () => {
  const ratios = ratiosOf([
    rounds("w1", "grpc-stream", { perSecond: 30_000, cpu: { server: 30 }, ...took(6, 30) }),
    rounds("w1", "amqp", { perSecond: 10_000, cpu: { server: 40, broker: 20 } }),
    rounds("w1", "bare-grpc", { perSecond: 40_000, cpu: { server: 20 }, ...took(3, 10) }),
    rounds("w1", "bare-socket", { perSecond: 300_000, cpu: { server: 1 } }),
    rounds("w1", "bare-amqp", { perSecond: 20_000, cpu: { broker: 30 } }),
  ]);
  assert.deepEqual(ratios, [
    [
      { to: "bare-grpc", perSecond: 0.75, cpu: 1.5, p50: 2, p99: 3 },
      { to: "bare-socket", perSecond: 0.1, cpu: 30 },
    ],
    [{ to: "bare-amqp", perSecond: 0.5, cpu: 2 }],
    [],
    [],
    [],
  ]);
});

Deno.test("a ratio is the median of the ratios within each round, not the ratio of two medians", () => {
  const [ratios] = ratiosOf([
    rounds("w1", "grpc-stream", { perSecond: 100 }, { perSecond: 20 }, { perSecond: 30 }),
    rounds("w1", "bare-grpc", { perSecond: 100 }, { perSecond: 10 }, { perSecond: 10 }),
  ]);
  assert.deepEqual(ratios, [{ to: "bare-grpc", perSecond: 2 }]);
});

Deno.test("a full store is compared with an empty one, not with a relay", () => {
  const ratios = ratiosOf([
    rounds("w1", "grpc-stream", { perSecond: 20_000 }),
    rounds("w5", "grpc-stream", { perSecond: 19_000 }),
    rounds("w1", "bare-grpc", { perSecond: 40_000 }),
  ]);
  assert.deepEqual(ratios[1], [{ to: "w1", perSecond: 0.95 }]);
});

Deno.test("logins are compared by their CPU, and sessions by their memory", () => {
  const idle = (serverCpuPerLogin: number, serverBytesPerSession: number): Partial<Figures> => ({
    idle: { sessions: 10, loginSeconds: 1, serverCpuPerLogin, serverBytesPerSession },
  });
  const [ratios] = ratiosOf([rounds("w3", "grpc-stream", idle(3, 50)), rounds("w3", "bare-grpc", idle(2, 100))]);
  assert.deepEqual(ratios, [{ to: "bare-grpc", memory: 0.5, login: 1.5 }]);
});

Deno.test("a run without figures or CPU gets no ratio", () => {
  const problem: NotMeasured = { workload: "w1", system: "bare-grpc", problem: "It died.", failed: true };
  assert.deepEqual(ratiosOf([rounds("w1", "grpc-stream", { cpu: {} }), problem]), [[], undefined]);
  const limit = rounds("w1", "bare-grpc", { cpu: { server: 2 } });
  assert.deepEqual(ratiosOf([rounds("w1", "grpc-stream", { cpu: {} }), limit])[0], [{ to: "bare-grpc", perSecond: 1 }]);
});

Deno.test("CPU gets no ratio when that of the broker is not known", () => {
  const limit = rounds("w1", "bare-amqp", { cpu: { broker: 30 } });
  assert.deepEqual(ratiosOf([rounds("w1", "amqp", { cpu: { server: 10 } }), limit])[0], [{
    to: "bare-amqp",
    perSecond: 1,
  }]);
});

Deno.test("medianRound() compares the main figure of the workload", () => {
  const all = [[1, 10], [2, 30], [3, 20]].map(([p50, perSecond]) => round({ perSecond, ...took(p50) }));
  assert.equal(medianRound("w2", all).latencyMs?.p50, 2);
  assert.equal(medianRound("w1", all).perSecond, 20);
  const idle = (brokerBytesPerSession: number, loginSeconds: number) =>
    round({ idle: { sessions: 10, loginSeconds, brokerBytesPerSession } });
  assert.equal(medianRound("w3", [idle(1, 2), idle(2, 3), idle(3, 1)]).idle?.brokerBytesPerSession, 2);
});
