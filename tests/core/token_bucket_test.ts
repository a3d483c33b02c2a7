import assert from "node:assert/strict";
import fc from "fast-check";
import { TokenBuckets } from "../../src/core/token_bucket.ts";

Deno.test("take() gives a burst, then what was refilled", () => {
  const buckets = new TokenBuckets({ burst: 2, perSecond: 10 });
  assert.deepEqual([buckets.take("ana", 0), buckets.take("ana", 0), buckets.take("ana", 0)], [0, 0, 100]);
  assert.equal(buckets.take("ben", 0), 0);
  assert.equal(buckets.take("ana", 99), 1);
  assert.equal(buckets.take("ana", 100), 0);
  assert.equal(buckets.take("ana", 100), 100);
});

Deno.test("take() works on when the clock goes back", () => {
  const buckets = new TokenBuckets({ burst: 1, perSecond: 1 });
  assert.equal(buckets.take("ana", 10_000), 0);
  assert.equal(buckets.take("ana", 0), 1000);
  assert.equal(buckets.take("ana", 1000), 0);
});

Deno.test("take() never gives more than the burst and the refill, and always after the wait it named", () => {
  const steps = fc.array(fc.record({ pause: fc.integer({ min: 0, max: 500 }), tries: fc.integer({ min: 1, max: 5 }) }));
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 50 }), (steps, burst, rate) => {
      const buckets = new TokenBuckets({ burst, perSecond: rate });
      let now = 0;
      let taken = 0;
      for (const { pause, tries } of steps) {
        now += pause;
        for (let i = 0; i < tries; i++) {
          let wait = buckets.take("ana", now);
          if (wait > 0) {
            now += wait;
            wait = buckets.take("ana", now);
          }
          assert.equal(wait, 0);
          taken++;
        }
        assert.ok(taken <= burst + now * rate / 1000 + 1e-6);
      }
    }),
  );
});

Deno.test("spend() owes down to the debt allowed, and peek() takes nothing", () => {
  const buckets = new TokenBuckets({ burst: 1, perSecond: 1, debt: 2 });
  assert.equal(buckets.peek("ana", 0), 0);
  assert.equal(buckets.size, 0);
  for (let i = 0; i < 9; i++) buckets.spend("ana", 0);
  assert.deepEqual([buckets.peek("ana", 0), buckets.peek("ana", 0)], [3000, 3000]);
  buckets.forget("ana");
  assert.equal(buckets.peek("ana", 0), 0);
});

Deno.test("take() takes several tokens at once, or none of them", () => {
  const buckets = new TokenBuckets({ burst: 10, perSecond: 10 });
  assert.equal(buckets.take("ana", 0, 7), 0);
  assert.equal(buckets.take("ana", 0, 5), 200);
  assert.equal(buckets.peek("ana", 0, 4), 100);
  assert.equal(buckets.take("ana", 0, 3), 0);
  assert.equal(buckets.take("ana", 0, 0.5), 50);
});

Deno.test("take() admits a cost above the burst to a full bucket, which then owes the rest", () => {
  const buckets = new TokenBuckets({ burst: 10, perSecond: 10 });
  assert.equal(buckets.take("ana", 0, 25), 0);
  assert.equal(buckets.take("ana", 0), 1600);
  assert.equal(buckets.take("ana", 1600), 0);
  assert.equal(buckets.take("ana", 1600, 25), 1000);
});

Deno.test("spend() takes several tokens, and forgives no debt of take()", () => {
  const buckets = new TokenBuckets({ burst: 10, perSecond: 10, debt: 5 });
  buckets.spend("ana", 0, 12);
  assert.equal(buckets.peek("ana", 0), 300);
  buckets.spend("ana", 0, 100);
  assert.equal(buckets.peek("ana", 0), 600);
  assert.equal(buckets.take("ben", 0, 30), 0);
  buckets.spend("ben", 0);
  assert.equal(buckets.peek("ben", 0), 2100);
});

Deno.test("the number of keys is bounded: the one used longest ago is forgotten", () => {
  const buckets = new TokenBuckets({ burst: 1, perSecond: 0.001, maxKeys: 2 });
  buckets.take("ana", 0);
  buckets.take("ben", 0);
  buckets.take("ana", 1);
  buckets.take("cleo", 1);
  assert.equal(buckets.size, 2);
  assert.ok(buckets.peek("ana", 1) > 0);
  assert.equal(buckets.peek("ben", 1), 0);
});

Deno.test("each key has a bucket like one of its own, until it is forgotten", () => {
  const step = fc.record({
    call: fc.constantFrom("take" as const, "spend" as const, "giveBack" as const, "peek" as const, "forget" as const),
    key: fc.constantFrom("ana", "ben", "cleo"),
    later: fc.constantFrom(0, 0, 100),
    cost: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 3 }), (steps, maxKeys) => {
    const options = { burst: 2, perSecond: 1, debt: 1 };
    const buckets = new TokenBuckets({ ...options, maxKeys });
    /** The one used last comes last. */
    const own = new Map<string, TokenBuckets>();
    let now = 0;
    for (const { call, key, later, cost } of steps) {
      now += later;
      const single = own.get(key) ?? new TokenBuckets(options);
      if (call === "forget") {
        own.delete(key);
        buckets.forget(key);
      } else {
        assert.equal(buckets[call](key, now, cost), single[call](key, now, cost));
        if (call !== "peek") {
          own.delete(key);
          own.set(key, single);
        }
        const [oldest] = own.keys();
        if (own.size > maxKeys) own.delete(oldest);
      }
      assert.equal(buckets.size, own.size);
    }
  }));
});
