import assert from "node:assert/strict";
import { reportPage } from "../../../src/bench/report/report_page.ts";
import { isMeasured } from "../../../src/bench/result.ts";
import { madeUpReport } from "./made_up_report.ts";

const report = madeUpReport();
const page = reportPage(report);

/** The names of elements that are not closed, or closed without having been opened. */
function unbalanced(markup: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, end, name, empty] of markup.matchAll(/<(\/?)([a-z]\w*)(?:\s[\w:-]+="[^"<]*")*\s*(\/?)>/gi)) {
    if (empty === "" && end === "") open.push(name);
    if (end !== "" && open.pop() !== name) wrong.push(name);
  }
  return [...open, ...wrong];
}

Deno.test("the page draws every workload: rates, latencies and CPU of what was measured, and memory of idle sessions", () => {
  const sections = page.split("<section>").slice(1);
  const titles = sections.map((section) => [...section.matchAll(/<h3>(.*?)<\/h3>/g)].map(([, title]) => title));
  const all = ["Messages over time", "How long messages took", "CPU for 1,000 messages"];
  assert.deepEqual(titles, [all, all.slice(1), ["Memory"], all.slice(1), all]);
  for (const [i, section] of sections.entries()) {
    const measured = report.runs.filter(isMeasured).filter(({ workload }) => workload === `w${i + 1}`);
    for (const { system } of measured) assert.ok(section.includes(`<title>${system}`), `${system} in ${i}`);
    for (const [svg] of section.matchAll(/<svg[^]*?<\/svg>/g)) {
      assert.deepEqual(unbalanced(svg), []);
      assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
      assert.equal(svg.replaceAll(/<[^<>]+>/g, "").includes("<"), false);
    }
  }
});

Deno.test("the page has the figures as a table, and a sentence where there are none", () => {
  assert.match(page, /<th scope="row">grpc-stream<\/th><td>22,000<\/td>/);
  assert.match(page, /<td class="words" colspan="\d+">No broker &#60;here&#62; &#38; nowhere\.<\/td>/);
  assert.match(page, /<p class="answer">gRPC &#60; RabbitMQ\?<\/p>/);
});

Deno.test("the page is markup of ours alone, and fetches nothing", () => {
  assert.ok(page.includes("(commit &#60;script&#62;alert(1)&#60;/script&#62;)"));
  assert.doesNotMatch(page, /<script|<link|<img|<iframe|\s(src|href|on\w+)=|url\(|@import/i);
  assert.match(page, /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/);
  assert.match(page, /prefers-color-scheme: dark/);
});
