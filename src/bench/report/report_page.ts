import { createHash } from "node:crypto";
import uPlotScript from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import uPlotStyle from "uplot/dist/uPlot.min.css" with { type: "text" };
import uPlotLicense from "uplot/LICENSE" with { type: "text" };
import { type BenchReport, isMeasured, type WorkloadName } from "../result.ts";
import { chartMarkup } from "./chart_markup.ts";
import {
  type ChartOf,
  cpuChart,
  latencyChart,
  loginChart,
  memoryChart,
  personChart,
  throughputChart,
} from "./charts.ts";
import { escapeHtml } from "./escape_html.ts";
import { circumstances, type FigureTable, figureTables } from "./figure_tables.ts";
import pageScript from "./page_script.js" with { type: "text" };

const charts: Readonly<Record<WorkloadName, readonly ChartOf[]>> = {
  w1: [throughputChart, latencyChart, cpuChart],
  w2: [latencyChart, cpuChart],
  w3: [loginChart, memoryChart],
  w4: [latencyChart, cpuChart],
  w5: [throughputChart, latencyChart, cpuChart],
  w6: [personChart, latencyChart],
};

/** The library with its license, which every copy must include. */
const plotLibrary = `/*\n${uPlotLicense.trim()}\n*/\n${uPlotScript}`;

const style = `
:root { color-scheme: light dark; --ground: #fff; --ink: #1c2330; --faint: #5d6778; --line: #d9dee6; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171d; --ink: #e4e8ef; --faint: #98a2b3; --line: #333a46; } }
body { background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; border-top: 1px solid var(--line); padding-top: 1.5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
.faint { color: var(--faint); } .answer { font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .75rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
thead th { color: var(--faint); font-weight: 500; } tbody th { font-weight: 500; }
td.words { text-align: left; white-space: normal; color: var(--faint); }
figure { margin: 0; } .chart { max-width: 760px; } details { color: var(--faint); font-size: .9rem; }
.uplot, .u-legend { font: inherit; } .u-legend th, .u-legend td { border: 0; font-weight: 400; }
.u-inline.u-live th::after { content: none; } .bars .u-legend { pointer-events: none; }
`;

/**
 * Returns all figures as one page that needs no network and is light or dark as its reader has it. The charts are drawn
 * in the browser; the page's policy allows only the two scripts that draw them.
 */
export function reportPage(report: BenchReport): string {
  const { startedAt, conclusions } = report;
  const title = `chatd bench, ${startedAt.slice(0, 10)}`;
  const scripts = [plotLibrary, pageScript].map((script) => `'sha256-${sha256(script)}'`).join(" ");
  const policy = `default-src 'none'; script-src ${scripts}; style-src 'unsafe-inline'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escapeHtml(title)}</title>
<style>${uPlotStyle}${style}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p class="faint">${circumstances(report).map(escapeHtml).join("<br>\n")}</p>
<noscript><p>The charts need JavaScript; the tables have all figures.</p></noscript>
${conclusions.map((sentence) => `<p class="answer">${escapeHtml(sentence)}</p>`).join("\n")}
${figureTables(report).map((table) => section(table, report)).join("\n")}
<script>${plotLibrary}</script>
<script type="module">${pageScript}</script>
</body>
</html>
`;
}

function section(
  { workload, title, header, rows, ratios, notes }: FigureTable,
  { runs }: BenchReport,
): string {
  const measured = runs.filter(isMeasured).filter((run) => run.workload === workload);
  const drawn = charts[workload].flatMap((chartOf) => chartOf(measured) ?? []).map(chartMarkup);
  return `<section>
<h2>${escapeHtml(title)}</h2>
${tableMarkup(header, rows)}
${ratios === undefined ? "" : tableMarkup(ratios.header, ratios.rows)}
${[...notes.map((note) => `<p>${escapeHtml(note)}</p>`), ...drawn].join("\n")}
</section>`;
}

function tableMarkup(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = header.map((cell) => `<th scope="col">${escapeHtml(cell)}</th>`).join("");
  return `<div class="wide"><table>
${header.length === 0 ? "" : `<thead><tr>${head}</tr></thead>`}
<tbody>
${rows.map((row) => `<tr>${cells(row, Math.max(header.length, 2))}</tr>`).join("\n")}
</tbody>
</table></div>`;
}

/** A row that is shorter than the table ends with a sentence. */
function cells([name, ...rest]: readonly string[], columns: number): string {
  const figures = rest.length === columns - 1
    ? rest.map((cell) => `<td>${escapeHtml(cell)}</td>`)
    : [`<td class="words" colspan="${columns - 1}">${escapeHtml(rest.join(" "))}</td>`];
  return `<th scope="row">${escapeHtml(name)}</th>${figures.join("")}`;
}

/** Returns the hash of a script in base64, as a Content Security Policy names it. */
function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}
