import { type BenchReport, isMeasured, type Measured, type WorkloadName } from "../result.ts";
import { circumstances, type FigureTable, figureTables } from "./figure_tables.ts";
import { cpuPlot, latencyPlot, memoryPlot, throughputPlot } from "./plots.ts";

interface Plot {
  readonly title: string;
  readonly of: (runs: readonly Measured[]) => string | undefined;
}

const latency: Plot = { title: "How long messages took", of: latencyPlot };
const throughput: Plot = { title: "Messages over time", of: throughputPlot };
const cpu: Plot = { title: "CPU for 1,000 messages", of: cpuPlot };
const memory: Plot = { title: "Memory", of: memoryPlot };

const plots: Readonly<Record<WorkloadName, readonly Plot[]>> = {
  w1: [throughput, latency, cpu],
  w2: [latency, cpu],
  w3: [memory],
  w4: [latency, cpu],
  w5: [throughput, latency, cpu],
};

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
figure { margin: 0; } svg { --plot-background: var(--ground); background: none; }
`;

/** All figures as one page that needs nothing else: no script, nothing from a network, and light or dark as its reader has it. */
export function reportPage(report: BenchReport): string {
  const { startedAt, conclusions } = report;
  const title = `chatd bench, ${startedAt.slice(0, 10)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<p class="faint">${circumstances(report).map(escaped).join("<br>\n")}</p>
${conclusions.map((sentence) => `<p class="answer">${escaped(sentence)}</p>`).join("\n")}
${figureTables(report).map((table) => section(table, report)).join("\n")}
</body>
</html>
`;
}

function section({ workload, title, header, rows, notes }: FigureTable, { runs }: BenchReport): string {
  const measured = runs.filter(isMeasured).filter((run) => run.workload === workload);
  const drawn = plots[workload].flatMap(({ title, of }) => {
    const markup = of(measured);
    return markup === undefined ? [] : [`<h3>${escaped(title)}</h3>\n${markup}`];
  });
  return `<section>
<h2>${escaped(title)}</h2>
<div class="wide"><table>
${
    header.length === 0
      ? ""
      : `<thead><tr>${header.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join("")}</tr></thead>`
  }
<tbody>
${rows.map((row) => `<tr>${cells(row, Math.max(header.length, 2))}</tr>`).join("\n")}
</tbody>
</table></div>
${[...notes.map((note) => `<p>${escaped(note)}</p>`), ...drawn].join("\n")}
</section>`;
}

/** A row that is shorter than the table ends with a sentence. */
function cells([name, ...rest]: readonly string[], columns: number): string {
  const figures = rest.length === columns - 1
    ? rest.map((cell) => `<td>${escaped(cell)}</td>`)
    : [`<td class="words" colspan="${columns - 1}">${escaped(rest.join(" "))}</td>`];
  return `<th scope="row">${escaped(name)}</th>${figures.join("")}`;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
