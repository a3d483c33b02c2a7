import type { LatencyBucket, LatencySummary } from "../result.ts";

const bucketsPerDoubling = 4;

/** The latencies of many messages. */
export class Latencies {
  #values: number[] = [];

  get count(): number {
    return this.#values.length;
  }

  /** Adds a latency in milliseconds. */
  add(latencyMs: number): void {
    this.#values.push(latencyMs);
  }

  clear(): void {
    this.#values = [];
  }

  /** Summarizes the latencies; undefined when there are none. */
  summary(): LatencySummary | undefined {
    if (this.#values.length === 0) return undefined;
    const sorted = Float64Array.from(this.#values).sort();
    return {
      p50: percentile(sorted, 0.5),
      p90: percentile(sorted, 0.9),
      p99: percentile(sorted, 0.99),
      max: round(sorted.at(-1)!),
      histogram: histogramOf(sorted),
    };
  }
}

/** Returns a percentile by nearest rank. @param part from 0 to 1 */
function percentile(sorted: Float64Array, part: number): number {
  return round(sorted[Math.max(Math.ceil(part * sorted.length) - 1, 0)]);
}

function histogramOf(sorted: Float64Array): LatencyBucket[] {
  const buckets: LatencyBucket[] = [];
  for (let from = 0; from < sorted.length;) {
    const exponent = Math.ceil(bucketsPerDoubling * Math.log2(Math.max(sorted[from], 1e-3)));
    const bound = 2 ** (exponent / bucketsPerDoubling);
    let to = from + 1;
    while (to < sorted.length && sorted[to] <= bound) to++;
    buckets.push({ upToMs: bound, count: to - from });
    from = to;
  }
  return buckets;
}

/** Rounds to microseconds, the resolution of the clock. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
