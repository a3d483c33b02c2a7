import type { LatencySummary, Measured, SystemName } from "../result.ts";

/** The format that `page_script.js` reads from the page and draws. */
export type Chart = LineChart | BarChart;

interface ChartBase {
  readonly title: string;
  /** The label of the value axis, with the unit. */
  readonly valueLabel: string;
  readonly series: readonly Series[];
}

export interface LineChart extends ChartBase {
  readonly kind: "lines";
  /** The label of the position axis, with the unit. */
  readonly positionLabel: string;
  readonly isLogarithmic: boolean;
  readonly isSmooth: boolean;
  /** Rising; shared by all series. */
  readonly positions: readonly number[];
}

/** Horizontal bars, one for each system, in which the values of the series are stacked. */
export interface BarChart extends ChartBase {
  readonly kind: "bars";
  readonly systems: readonly SystemName[];
}

export interface Series {
  readonly name: string;
  /** A CSS color that is readable on white and on black. */
  readonly color: string;
  readonly isDashed: boolean;
  /** A value for each position or system; null where the series has none. */
  readonly values: readonly (number | null)[];
}

/** Transports of chatd are colored, and their limits grey or brown. */
const colors: Readonly<Record<SystemName, string>> = {
  "grpc-stream": "#3b82f6",
  "grpc-single": "#2563eb",
  "grpc-tls": "#8b5cf6",
  "grpc-tls-single": "#a855f7",
  "grpc-client": "#06b6d4",
  "grpc-callback": "#0ea5a4",
  "grpc-database": "#16a34a",
  amqp: "#f08c1e",
  "amqp-single": "#ea580c",
  "bare-grpc": "#8792a6",
  "bare-socket": "#64748b",
  "bare-amqp": "#a98b6f",
};
const partColors = { server: "#3b82f6", broker: "#f08c1e", database: "#16a34a", driver: "#8792a6" };
type Part = keyof typeof partColors;
const parts = Object.keys(partColors) as Part[];
const bucketsPerDoubling = 4;

/** Makes a chart of the runs of one workload; undefined when they have no such figures. */
export type ChartOf = (runs: readonly Measured[]) => Chart | undefined;

/** Draws the distribution of latencies on a logarithmic axis. */
export const latencyChart: ChartOf = (runs) => {
  const lines = runs.flatMap(({ system, latencyMs }) =>
    latencyMs === undefined ? [] : [{ system, points: sharesOf(latencyMs) }]
  );
  return lineChart(lines, {
    title: "Distribution of latencies",
    positionLabel: "milliseconds",
    valueLabel: "share of messages (%)",
    isLogarithmic: true,
    isSmooth: true,
  });
};

/** Draws the rate of messages over time. */
export const throughputChart: ChartOf = (runs) => {
  const lines = runs.flatMap(({ system, throughput = [] }) =>
    throughput.length < 2
      ? []
      : [{ system, points: roundPositions(throughput.map((step) => [step.atSeconds, step.perSecond])) }]
  );
  return lineChart(lines, {
    title: "Messages over time",
    positionLabel: "seconds",
    valueLabel: "messages a second",
    isLogarithmic: false,
    isSmooth: false,
  });
};

/** Draws the CPU for 1,000 messages, by process. */
export const cpuChart: ChartOf = (runs) =>
  barChart(
    runs.map(({ system, cpu }) => ({
      system,
      server: cpu?.server,
      broker: cpu?.broker,
      database: cpu?.database,
      driver: cpu?.driver,
    })),
    { title: "CPU for 1,000 messages", valueLabel: "CPU milliseconds for 1,000 messages" },
  );

/** Draws the CPU of a login, by process. */
export const loginChart: ChartOf = (runs) =>
  barChart(
    runs.map(({ system, idle }) => ({
      system,
      server: idle?.serverCpuPerLogin,
      broker: idle?.brokerCpuPerLogin,
      database: idle?.databaseCpuPerLogin,
    })),
    { title: "CPU of a login", valueLabel: "CPU milliseconds for a login" },
  );

/** Draws the CPU of a person online for a minute, by process. */
export const personChart: ChartOf = (runs) =>
  barChart(
    runs.map(({ system, people }) => ({
      system,
      server: people?.serverCpuPerMinute,
      broker: people?.brokerCpuPerMinute,
    })),
    { title: "CPU of a person", valueLabel: "CPU milliseconds for a person online and minute" },
  );

/** Draws the memory of an idle session, by process. */
export const memoryChart: ChartOf = (runs) => {
  const kibibytes = (bytes: number | undefined) => bytes === undefined ? undefined : bytes / 1024;
  return barChart(
    runs.map(({ system, idle }) => ({
      system,
      server: kibibytes(idle?.serverBytesPerSession),
      broker: kibibytes(idle?.brokerBytesPerSession),
    })),
    { title: "Memory", valueLabel: "KiB for an idle session" },
  );
};

interface Line {
  readonly system: SystemName;
  /** Position and value. */
  readonly points: readonly (readonly [number, number])[];
}

function lineChart(
  lines: readonly Line[],
  axes: Omit<LineChart, "kind" | "positions" | "series">,
): LineChart | undefined {
  if (lines.length === 0) return undefined;
  const positions = [...new Set(lines.flatMap(({ points }) => points.map(([position]) => position)))]
    .sort((one, other) => one - other);
  const series = lines.map(({ system, points }): Series => {
    const values = new Map(points);
    return {
      name: system,
      color: colors[system],
      isDashed: system.startsWith("bare-"),
      values: positions.map((position) => values.get(position) ?? null),
    };
  });
  return { kind: "lines", ...axes, positions, series };
}

function barChart(
  rows: readonly ({ readonly system: SystemName } & { readonly [part in Part]?: number })[],
  labels: Pick<BarChart, "title" | "valueLabel">,
): BarChart | undefined {
  const drawn = rows.filter((row) => parts.some((part) => row[part] !== undefined));
  if (drawn.length === 0) return undefined;
  const series = parts.filter((part) => drawn.some((row) => row[part] !== undefined)).map((part): Series => ({
    name: part,
    color: partColors[part],
    isDashed: false,
    values: drawn.map((row) => row[part] ?? null),
  }));
  return { kind: "bars", ...labels, systems: drawn.map(({ system }) => system), series };
}

/** Rounds positions to tenths of a second, so that systems share them. A second point in the same tenth is dropped. */
function roundPositions(points: Line["points"]): Line["points"] {
  const rounded = new Map<number, number>();
  for (const [position, value] of points) {
    const tenth = Math.round(position * 10) / 10;
    if (!rounded.has(tenth)) rounded.set(tenth, value);
  }
  return [...rounded];
}

/** Returns the logarithmic middle and the percentage of each bucket, with empty buckets in between and at the ends. */
function sharesOf({ histogram }: LatencySummary): Line["points"] {
  const counts = new Map(
    histogram.map(({ upToMs, count }) => [Math.round(bucketsPerDoubling * Math.log2(upToMs)), count]),
  );
  const total = histogram.reduce((sum, { count }) => sum + count, 0);
  const exponents = [...counts.keys()];
  const [first, last] = [Math.min(...exponents) - 1, Math.max(...exponents) + 1];
  return Array.from({ length: last - first + 1 }, (_, i) => [
    2 ** ((first + i - 0.5) / bucketsPerDoubling),
    100 * (counts.get(first + i) ?? 0) / total,
  ]);
}
