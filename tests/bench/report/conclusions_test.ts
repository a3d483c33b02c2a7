import assert from "node:assert/strict";
import { concludeFrom } from "../../../src/bench/report/conclusions.ts";
import type { BenchRun, Figures, SystemName, WorkloadName } from "../../../src/bench/result.ts";

function run(workload: WorkloadName, system: SystemName, figures: Partial<Figures>): BenchRun {
  return { workload, system, ...round(figures), ratios: [] };
}

function round(figures: Partial<Figures>): Figures {
  return { seconds: 1, delivered: 1_000, perSecond: 1_000, ...figures };
}

function took(p50: number, p99 = p50): Pick<Figures, "latencyMs"> {
  return { latencyMs: { p50, p90: p50, p99, max: p99, histogram: [] } };
}

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

Deno.test("concludeFrom() says nothing about CPU when that of the broker is not known", () => {
  const runs = [
    run("w1", "grpc-stream", { perSecond: 30_000, cpu: { server: 30 } }),
    run("w1", "amqp", { perSecond: 10_000, cpu: { server: 10 } }),
  ];
  assert.doesNotMatch(concludeFrom(runs)[0], /CPU/);
});

Deno.test("concludeFrom() gives the reason when figures of a transport are missing", () => {
  const amqp: BenchRun = { workload: "w1", system: "amqp", problem: "RabbitMQ is not installed here.", failed: false };
  assert.match(
    concludeFrom([run("w1", "grpc-stream", {}), amqp])[0],
    /do not answer it: RabbitMQ is not installed here\.$/,
  );
  assert.match(concludeFrom([run("w1", "grpc-stream", {})])[0], /both have to be measured/);
});
