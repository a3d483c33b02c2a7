import assert from "node:assert/strict";
import { chartMarkup } from "../../../src/bench/report/chart_markup.ts";
import {
  type BarChart,
  cpuChart,
  latencyChart,
  type LineChart,
  throughputChart,
} from "../../../src/bench/report/charts.ts";
import type { Figures, Measured, SystemName } from "../../../src/bench/result.ts";

function run(system: SystemName, figures: Partial<Figures>): Measured {
  return { workload: "w1", system, seconds: 1, delivered: 1_000, perSecond: 1_000, ratios: [], ...figures };
}

Deno.test("rates of systems share positions of a tenth of a second, and have null where a system has none", () => {
  const steps = (...points: [number, number][]) => points.map(([atSeconds, perSecond]) => ({ atSeconds, perSecond }));
  const chart = throughputChart([
    run("grpc-stream", { throughput: steps([0.501, 10], [1.002, 20], [1.5, 30]) }),
    run("bare-grpc", { throughput: steps([0.503, 40], [1.53, 50], [1.534, 0]) }),
    run("amqp", { throughput: steps([0.5, 60]) }),
    run("bare-amqp", {}),
  ]) as LineChart;
  assert.deepEqual(chart.positions, [0.5, 1, 1.5]);
  assert.deepEqual(chart.series.map(({ name, isDashed, values }) => [name, isDashed, values]), [
    ["grpc-stream", false, [10, 20, 30]],
    ["bare-grpc", true, [40, null, 50]],
  ]);
  assert.equal(throughputChart([run("amqp", {})]), undefined);
});

Deno.test("latencies are shares of each bucket, with empty buckets between those that are not empty", () => {
  const latencyMs = {
    p50: 1,
    p90: 2,
    p99: 2,
    max: 2,
    histogram: [{ upToMs: 1, count: 1 }, { upToMs: 2 ** (1 / 2), count: 3 }],
  };
  const chart = latencyChart([run("amqp", { latencyMs })]) as LineChart;
  assert.deepEqual(chart.positions.map((ms) => Math.round(Math.log2(ms) * 8)), [-3, -1, 1, 3, 5]);
  assert.deepEqual(chart.series[0].values, [0, 25, 0, 75, 0]);
});

Deno.test("CPU is one bar for each system, with a series for each process that any system has", () => {
  const chart = cpuChart([
    run("grpc-stream", { cpu: { server: 1, driver: 2 } }),
    run("bare-amqp", { cpu: { broker: 3 } }),
    run("amqp", {}),
  ]) as BarChart;
  assert.deepEqual(chart.systems, ["grpc-stream", "bare-amqp"]);
  assert.deepEqual(chart.series.map(({ name, values }) => [name, values]), [
    ["server", [1, null]],
    ["broker", [null, 3]],
    ["driver", [2, null]],
  ]);
  assert.equal(cpuChart([run("amqp", { cpu: {} })]), undefined);
});

Deno.test("no text of a chart ends the element that holds its data", () => {
  const title = `</script><!--<script>alert("1")`;
  const markup = chartMarkup({ kind: "bars", title, valueLabel: title, systems: [], series: [] });
  assert.equal(markup.match(/<\/script/g)?.length, 1);
  assert.doesNotMatch(markup, /<!--|<script>/);
  const [, data] = /<script type="application\/json">(.*)<\/script>/.exec(markup)!;
  assert.equal(JSON.parse(data).title, title);
});
