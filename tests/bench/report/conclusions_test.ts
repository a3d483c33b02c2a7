import assert from "node:assert/strict";
import { concludeFrom } from "../../../src/bench/report/conclusions.ts";
import { withRatios } from "../../../src/bench/report/ratios.ts";
import type { BenchRun, Figures, SystemName, WorkloadName } from "../../../src/bench/result.ts";

function run(workload: WorkloadName, system: SystemName, figures: Partial<Figures>): BenchRun {
  return { workload, system, seconds: 1, delivered: 1_000, perSecond: 1_000, ...figures };
}

function took(p50: number, p99 = p50): Pick<Figures, "latencyMs"> {
  return { latencyMs: { p50, p90: p50, p99, max: p99, histogram: [] } };
}

Deno.test("each transport of chatd is compared with the limit of its library", () => {
  const runs = withRatios([
    run("w1", "grpc-stream", { perSecond: 30_000, cpu: { server: 30 }, ...took(6, 30) }),
    run("w1", "amqp", { perSecond: 10_000, cpu: { server: 40, broker: 20 } }),
    run("w1", "bare-grpc", { perSecond: 40_000, cpu: { server: 20 }, ...took(3, 10) }),
    run("w1", "bare-amqp", { perSecond: 20_000, cpu: { broker: 30 } }),
  ]);
  assert.deepEqual(runs.map((run) => "ratios" in run ? run.ratios : undefined), [
    { to: "bare-grpc", perSecond: 0.75, cpu: 1.5, p50: 2, p99: 3 },
    { to: "bare-amqp", perSecond: 0.5, cpu: 2 },
    undefined,
    undefined,
  ]);
});

Deno.test("a full store is compared with an empty one, not with a relay", () => {
  const runs = withRatios([
    run("w1", "grpc-stream", { perSecond: 20_000 }),
    run("w5", "grpc-stream", { perSecond: 19_000 }),
    run("w5", "bare-grpc", { perSecond: 40_000 }),
  ]);
  assert.deepEqual("ratios" in runs[1] && runs[1].ratios, { to: "w1", perSecond: 0.95 });
});

Deno.test("a run without figures or CPU gets no ratio", () => {
  const problem: BenchRun = { workload: "w1", system: "bare-grpc", problem: "It died.", failed: true };
  const runs: BenchRun[] = [run("w1", "grpc-stream", { cpu: {} }), problem];
  assert.deepEqual(withRatios(runs), runs);
  const [compared] = withRatios([
    run("w1", "grpc-stream", { cpu: {} }),
    run("w1", "bare-grpc", { cpu: { server: 2 } }),
  ]);
  assert.deepEqual("ratios" in compared && compared.ratios, { to: "bare-grpc", perSecond: 1 });
});

Deno.test("CPU gets no ratio when that of the broker is not known", () => {
  const runs = [
    run("w1", "grpc-stream", { cpu: { server: 30 } }),
    run("w1", "amqp", { cpu: { server: 10 } }),
    run("w1", "bare-amqp", { cpu: { broker: 30 } }),
  ];
  const [, amqp] = withRatios(runs);
  assert.deepEqual("ratios" in amqp && amqp.ratios, { to: "bare-amqp", perSecond: 1 });
  assert.doesNotMatch(concludeFrom(runs)[0], /CPU/);
});

Deno.test("concludeFrom() names the better transport", () => {
  const w1 = (grpc: number, amqp: number) => [
    run("w1", "grpc-stream", { perSecond: grpc, cpu: { server: 20 } }),
    run("w1", "amqp", { perSecond: amqp, cpu: { server: 30, broker: 20 } }),
  ];
  const w2 = (grpc: number, amqp: number) => [run("w2", "grpc-stream", took(grpc)), run("w2", "amqp", took(amqp))];
  const question = "gRPC or RabbitMQ: which is better for a chat?";
  assert.deepEqual(concludeFrom([...w1(30_000, 10_000), ...w2(2, 4)]), [
    `${question} gRPC, with 3.00 times the messages a second (W1), 0.40 times the CPU for a message (W1), 0.50 times ` +
    "the latency of a message (W2) of RabbitMQ.",
  ]);
  assert.deepEqual(concludeFrom([...w1(30_000, 10_000), ...w2(4, 2)]), [
    `${question} gRPC, with 3.00 times the messages a second (W1), 0.40 times the CPU for a message (W1) of RabbitMQ, ` +
    "but with 2.00 times the latency of a message (W2).",
  ]);
  assert.match(concludeFrom(w2(4, 2))[0], /RabbitMQ, with 0\.50 times the latency .* of gRPC\.$/);
  assert.match(concludeFrom(w2(4, 4.1))[0], /alike/);
  assert.match(concludeFrom([...w1(10_000, 30_000)])[0], /It depends: gRPC .*CPU.*; RabbitMQ .*messages a second/);
});

Deno.test("concludeFrom() gives the reason when figures of a transport are missing", () => {
  const amqp: BenchRun = { workload: "w1", system: "amqp", problem: "RabbitMQ is not installed here.", failed: false };
  assert.match(
    concludeFrom([run("w1", "grpc-stream", {}), amqp])[0],
    /do not answer it: RabbitMQ is not installed here\.$/,
  );
  assert.match(concludeFrom([run("w1", "grpc-stream", {})])[0], /both have to be measured/);
});
