import assert from "node:assert/strict";
import { PrometheusMetrics } from "../../../src/host/metrics/prometheus_metrics.ts";
import { typesOf } from "../../support/checks/metrics_text.ts";

const dashboard = JSON.parse(Deno.readTextFileSync(new URL("../../../examples/grafana.json", import.meta.url)));

function ownTypes(): Map<string, string> {
  using metrics = new PrometheusMetrics();
  return typesOf(metrics.text());
}

/** All expressions of panels and variables. */
function expressions(): string[] {
  const targets: { expr: string }[] = dashboard.panels.flatMap(({ targets = [] }) => targets);
  const variables: { definition?: string }[] = dashboard.templating.list;
  return [
    ...targets.map(({ expr }) => expr),
    ...variables.map(({ definition }) => definition).filter((definition) => definition !== undefined),
  ];
}

function namesIn(expression: string): string[] {
  return expression.match(/\b(chatd|process)_[a-z_]+/g) ?? [];
}

Deno.test("the dashboard uses only existing metrics, in expressions that fit their types", () => {
  const types = ownTypes();
  for (const expression of expressions()) {
    const names = namesIn(expression);
    assert.notEqual(names.length, 0, expression);
    for (const name of names) {
      const [, base] = /^(.*)_(?:bucket|count|sum)$/.exec(name) ?? [];
      const type = base !== undefined && types.get(base) === "histogram" ? "histogram" : types.get(name);
      assert.ok(type !== undefined && (type !== "histogram" || base !== undefined), `${name} in ${expression}`);
      assert.equal(/rate\(/.test(expression), type !== "gauge", expression);
    }
  }
});

Deno.test("the dashboard shows every metric, with labels that exist", () => {
  const shown = new Set(expressions().flatMap(namesIn).map((name) => name.replace(/_(bucket|count|sum)$/, "")));
  const types = ownTypes();
  assert.deepEqual([...types.keys()].filter((name) => !shown.has(name)), []);
  const source = Deno.readTextFileSync(new URL("../../../src/host/metrics/prometheus_metrics.ts", import.meta.url));
  for (const [, labels] of expressions().join("\n").matchAll(/by \(([^)]*)\)/g)) {
    for (const label of labels.split(/, */)) {
      assert.ok(label === "le" || new RegExp(`\\b${label}\\b`).test(source), label);
    }
  }
});

Deno.test("panels of the dashboard have different ids and places", () => {
  const ids: number[] = dashboard.panels.map(({ id }: { id: number }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const places = dashboard.panels.map(({ gridPos: { x, y } }: { gridPos: { x: number; y: number } }) => `${x} ${y}`);
  assert.equal(new Set(places).size, places.length);
});
