import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Chart } from "../../../src/bench/report/charts.ts";
import { reportPage } from "../../../src/bench/report/report_page.ts";
import { isMeasured } from "../../../src/bench/result.ts";
import { madeUpReport } from "./made_up_report.ts";

const report = madeUpReport();
const page = reportPage(report);

/** The attributes and contents of all script elements. */
const scripts = [...page.matchAll(/<script([^>]*)>([^]*?)<\/script>/g)]
  .map(([, attributes, content]) => ({ attributes, content }));

Deno.test("every workload has its charts: rates, latencies and CPU of all measured systems, logins, memory and people", () => {
  const sections = page.split("<section>").slice(1);
  const charts = sections.map((section) =>
    [...section.matchAll(/<script type="application\/json">(.*)<\/script>/g)].map(([, json]): Chart => JSON.parse(json))
  );
  const all = ["Messages over time", "Distribution of latencies", "CPU for 1,000 messages"];
  const titles = [
    all,
    all.slice(1),
    ["CPU of a login", "Memory"],
    all.slice(1),
    all,
    ["CPU of a person", "Distribution of latencies"],
  ];
  assert.deepEqual(charts.map((some) => some.map(({ title }) => title)), titles);
  for (const [i, section] of sections.entries()) {
    assert.deepEqual([...section.matchAll(/<h3>(.*?)<\/h3>/g)].map(([, title]) => title), titles[i]);
    const measured = report.runs.filter(isMeasured).filter(({ workload }) => workload === `w${i + 1}`);
    for (const chart of charts[i]) {
      const drawn = chart.kind === "bars" ? chart.systems : chart.series.map(({ name }) => name);
      assert.deepEqual(drawn, measured.map(({ system }) => system));
      const count = chart.kind === "bars" ? chart.systems.length : chart.positions.length;
      for (const { values } of chart.series) assert.equal(values.length, count);
    }
  }
});

Deno.test("the data of a chart is a table too", () => {
  const [, section] = page.split("<h3>CPU for 1,000 messages</h3>");
  const [table] = /<details>[^]*?<\/details>/.exec(section)!;
  const rows = [...table.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row]) =>
    [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g)].map(([, cell]) => cell)
  );
  assert.deepEqual(rows.slice(0, 2), [["system", "server", "broker", "driver"], ["grpc-stream", "40.9", "-", "18.2"]]);
  assert.equal(rows.length, 6);
});

Deno.test("the page has the figures as a table, and a sentence where there are none", () => {
  assert.match(page, /<th scope="row">grpc-stream<\/th><td>22,000<\/td>/);
  assert.match(page, /<th scope="row">grpc-stream of the grpc-js relay<\/th><td>0\.50<\/td>/);
  assert.match(page, /<th scope="row">grpc-stream<\/th><td>1\.75<\/td><td>1,650<\/td>/);
  assert.match(page, /<td class="words" colspan="\d+">No broker &#60;here&#62; &#38; nowhere\.<\/td>/);
  assert.match(page, /<p class="answer">gRPC &#60; RabbitMQ\?<\/p>/);
});

Deno.test("the page runs its own two scripts alone, and fetches nothing", () => {
  assert.ok(page.includes("(commit &#60;script&#62;alert(1)&#60;/script&#62;)"));
  assert.equal(page.match(/<script/g)?.length, scripts.length);
  const run = scripts.filter(({ attributes }) => !attributes.includes("application/json"));
  assert.deepEqual(run.map(({ attributes }) => attributes), ["", ' type="module"']);
  const hashes = run.map(({ content }) => `'sha256-${createHash("sha256").update(content).digest("base64")}'`);
  const policy = `default-src 'none'; script-src ${hashes.join(" ")}; style-src 'unsafe-inline'`;
  assert.ok(page.includes(`Content-Security-Policy" content="${policy}">`));
  const rest = scripts.reduce((rest, { content }) => rest.replace(content, ""), page);
  assert.doesNotMatch(rest, /<link|<img|<iframe|\s(src|href|on\w+)=|url\(|@import/i);
  assert.match(page, /prefers-color-scheme: dark/);
});

Deno.test("the page has the license of the plotting library", () => {
  assert.match(page, /uPlot=function/);
  assert.match(page, /The MIT License \(MIT\)\s+Copyright \(c\) \d+ Leon Sorokin/);
});
