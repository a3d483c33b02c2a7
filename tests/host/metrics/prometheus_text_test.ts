import assert from "node:assert/strict";
import { MetricFamilies } from "../../../src/host/metrics/prometheus_text.ts";

Deno.test("text() writes the text format of Prometheus", () => {
  const families = new MetricFamilies();
  const plain = families.counter({ name: "sent_total", help: "Sent messages." });
  const labelled = families.gauge({ name: "open", help: "Lines\nand \\.", labelled: true });
  const histogram = families.histogram({ name: "lag_seconds", help: "How late.", bounds: [0.1, 0.5] });
  families.observed("gauge", {
    name: "seen",
    help: "Now.",
    values: () => [{ value: 7 }, { labels: { a: "b" }, value: 0.5 }],
  });
  plain.add(2);
  plain.add(0.5);
  labelled.add(3, { door: 'a "b" \\\n', way: "in" });
  labelled.add(-1, { door: 'a "b" \\\n', way: "in" });
  for (const value of [0.1, 0.25, 0.5, 3]) histogram.observe(value);
  assert.equal(
    families.text(),
    String.raw`# HELP sent_total Sent messages.
# TYPE sent_total counter
sent_total 2.5
# HELP open Lines\nand \\.
# TYPE open gauge
open{door="a \"b\" \\\n",way="in"} 2
# HELP lag_seconds How late.
# TYPE lag_seconds histogram
lag_seconds_bucket{le="0.1"} 1
lag_seconds_bucket{le="0.5"} 3
lag_seconds_bucket{le="+Inf"} 4
lag_seconds_sum 3.85
lag_seconds_count 4
# HELP seen Now.
# TYPE seen gauge
seen 7
seen{a="b"} 0.5
`,
  );
});

Deno.test("a counter without labels starts at 0, and one with labels starts empty", () => {
  const families = new MetricFamilies();
  families.counter({ name: "one", help: "" });
  families.counter({ name: "other", help: "", labelled: true });
  assert.deepEqual(families.text().split("\n").filter((line) => /^o/.test(line)), ["one 0"]);
});
