import assert from "node:assert/strict";
import fc from "fast-check";
import { Latencies } from "../../../src/bench/workloads/latencies.ts";

function of(values: readonly number[]): Latencies {
  const latencies = new Latencies();
  for (const value of values) latencies.add(value);
  return latencies;
}

Deno.test("percentiles are measured values, by nearest rank", () => {
  const { p50, p90, p99, max } = of(Array.from({ length: 1_000 }, (_, i) => 1_000 - i)).summary()!;
  assert.deepEqual([p50, p90, p99, max], [500, 900, 990, 1_000]);
  const one = of([3.5]).summary()!;
  assert.deepEqual([one.p50, one.p99, one.max], [3.5, 3.5, 3.5]);
});

Deno.test("latencies have no summary before the first value and after clear()", () => {
  const latencies = of([1]);
  latencies.clear();
  assert.equal(latencies.summary(), undefined);
  assert.equal(latencies.count, 0);
});

Deno.test("every value is in the bucket of its bounds, which is 19 % wide", () => {
  fc.assert(fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }), (values) => {
    const { histogram } = of(values).summary()!;
    assert.equal(histogram.reduce((sum, { count }) => sum + count, 0), values.length);
    for (const { upToMs, count } of histogram) {
      const isLeast = upToMs < 2 ** -9.7;
      const inside = values.filter((value) => value <= upToMs && (isLeast || value > upToMs / 2 ** 0.25 * 1.000001));
      assert.ok(count > 0 && Math.abs(count - inside.length) <= values.filter((v) => isOnBound(v, upToMs)).length);
    }
    assert.deepEqual(histogram, histogram.toSorted((one, other) => one.upToMs - other.upToMs));
  }));
});

/** Tolerance for values that floating point moves over a bound. */
function isOnBound(value: number, upToMs: number): boolean {
  const bound = upToMs / 2 ** 0.25;
  return Math.abs(value - bound) < bound * 1e-5 || Math.abs(value - upToMs) < upToMs * 1e-5;
}
