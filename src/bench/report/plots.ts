import * as Plot from "@observablehq/plot";
import { DOMParser } from "linkedom";
import type { LatencySummary, Measured, SystemName } from "../result.ts";

/** Readable on white and on black; limits are grey, and their lines broken. */
const colors: Readonly<Record<SystemName, string>> = {
  "grpc-stream": "#3b82f6",
  "grpc-callback": "#0ea5a4",
  amqp: "#f08c1e",
  "bare-grpc": "#8792a6",
  "bare-amqp": "#a98b6f",
};
const parts = { server: "#3b82f6", broker: "#f08c1e", clients: "#8792a6" };
type Part = keyof typeof parts;
const bucketsPerDoubling = 4;
const width = 760;

const document = new DOMParser().parseFromString("<!doctype html><html></html>", "text/html");

/*
 * Each plot is the markup of a figure: of one workload's figures, and undefined when those have none to draw.
 */

/** How many messages took how long; the axis is logarithmic. */
export function latencyPlot(runs: readonly Measured[]): string | undefined {
  const drawn = runs.flatMap(({ system, latencyMs }) =>
    latencyMs === undefined ? [] : [{ system, points: sharesOf(latencyMs) }]
  );
  return lines(drawn, {
    x: { type: "log", label: "milliseconds", tickFormat: (ms: number) => `${ms}`, ticks: 6 },
    y: { label: "share of messages (%)", zero: true, grid: true },
    curve: "monotone-x",
  });
}

export function throughputPlot(runs: readonly Measured[]): string | undefined {
  const drawn = runs.flatMap(({ system, throughput = [] }) => {
    const points = throughput.map(({ atSeconds, perSecond }) => ({ x: atSeconds, y: perSecond }));
    return points.length < 2 ? [] : [{ system, points }];
  });
  return lines(drawn, {
    x: { label: "seconds" },
    y: { label: "messages a second", zero: true, grid: true },
    curve: "linear",
  });
}

/** Milliseconds of CPU for 1,000 messages. */
export function cpuPlot(runs: readonly Measured[]): string | undefined {
  return bars(
    runs.map(({ system, cpu }) => ({ system, server: cpu?.server, broker: cpu?.broker, clients: cpu?.driver })),
    "CPU milliseconds for 1,000 messages",
  );
}

/** Of what an idle session costs, in KiB. */
export function memoryPlot(runs: readonly Measured[]): string | undefined {
  const kibibytes = (bytes: number | undefined) => bytes === undefined ? undefined : bytes / 1024;
  return bars(
    runs.map(({ system, idle }) => ({
      system,
      server: kibibytes(idle?.serverBytesPerSession),
      broker: kibibytes(idle?.brokerBytesPerSession),
    })),
    "KiB for an idle session",
  );
}

function lines(
  drawn: readonly { system: SystemName; points: readonly { x: number; y: number }[] }[],
  { x, y, curve }: { x: Plot.ScaleOptions; y: Plot.ScaleOptions; curve: Plot.CurveName },
): string | undefined {
  if (drawn.length === 0) return undefined;
  return plot({
    height: 310,
    marginLeft: 64,
    x,
    y,
    color: colorScale(drawn.map(({ system }) => system), colors),
    marks: [
      Plot.ruleY([0]),
      ...drawn.map(({ system, points }) =>
        Plot.lineY(points, {
          x: "x",
          y: "y",
          curve,
          stroke: () => system,
          strokeWidth: 2,
          title: () => system,
          strokeDasharray: system.startsWith("bare-") ? "5 3" : undefined,
        })
      ),
    ],
  });
}

function bars(
  systems: readonly ({ readonly system: SystemName } & { readonly [part in Part]?: number })[],
  label: string,
): string | undefined {
  const bars = systems.flatMap(({ system, ...values }) =>
    (Object.keys(parts) as Part[]).flatMap((part) =>
      values[part] === undefined ? [] : [{ system, part, value: values[part] }]
    )
  );
  if (bars.length === 0) return undefined;
  const drawn = [...new Set(bars.map(({ system }) => system))];
  const title = ({ system, part, value }: typeof bars[number]) => `${system}, ${part}: ${value.toFixed(1)}`;
  const text = ({ value }: typeof bars[number]) => value.toFixed(value < 10 ? 1 : 0);
  const widest = Math.max(
    ...drawn.map((name) => bars.reduce((sum, { system, value }) => sum + (system === name ? value : 0), 0)),
  );
  return plot({
    height: 78 + 32 * drawn.length,
    marginLeft: 110,
    x: { label, grid: true },
    y: { domain: drawn, label: null },
    color: colorScale((Object.keys(parts) as Part[]).filter((name) => bars.some(({ part }) => part === name)), parts),
    marks: [
      Plot.barX(bars, Plot.stackX({ x: "value", y: "system", fill: "part", order: Object.keys(parts), title })),
      Plot.textX(
        bars.filter(({ value }) => value > widest / 25),
        Plot.stackX({ x: "value", y: "system", z: "part", order: Object.keys(parts), text, fill: "white" }),
      ),
      Plot.ruleX([0]),
    ],
  });
}

function plot(options: Plot.PlotOptions): string {
  return Plot.plot({ width, marginBottom: 44, document, style: { fontSize: "12px" }, ...options }).outerHTML;
}

function colorScale<Name extends string>(names: readonly Name[], range: Readonly<Record<Name, string>>) {
  return { legend: true, domain: [...names], range: names.map((name) => range[name]) };
}

/** The middle of each bucket on the logarithmic axis and what percent is in it, with an empty bucket wherever none is. */
function sharesOf({ histogram }: LatencySummary): { x: number; y: number }[] {
  const counts = new Map(
    histogram.map(({ upToMs, count }) => [Math.round(bucketsPerDoubling * Math.log2(upToMs)), count]),
  );
  const total = histogram.reduce((sum, { count }) => sum + count, 0);
  const exponents = [...counts.keys()];
  const [first, last] = [Math.min(...exponents) - 1, Math.max(...exponents) + 1];
  return Array.from({ length: last - first + 1 }, (_, i) => ({
    x: 2 ** ((first + i - 0.5) / bucketsPerDoubling),
    y: 100 * (counts.get(first + i) ?? 0) / total,
  }));
}
