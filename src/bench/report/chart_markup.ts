import type { Chart } from "./charts.ts";
import { escapeHtml } from "./escape_html.ts";

/** Returns a figure with a place for the drawing, its data as JSON for `page_script.js`, and its data as a table. */
export function chartMarkup(chart: Chart): string {
  const title = escapeHtml(chart.title);
  return `<h3>${title}</h3>
<figure class="${chart.kind}">
<div class="chart" role="img" aria-label="${title}: the table below has the data"></div>
<script type="application/json">${jsonForScript(chart)}</script>
<details><summary>Data of the chart: ${escapeHtml(chart.valueLabel)}</summary>
${dataTable(chart)}
</details>
</figure>`;
}

/** Returns JSON for a script element, in which no text can end the element as `</script` or `<!--` would. */
function jsonForScript(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

function dataTable(chart: Chart): string {
  const { series } = chart;
  const [first, rows] = chart.kind === "bars"
    ? ["system", chart.systems] as const
    : [chart.positionLabel, chart.positions.map(format)] as const;
  const head = [first, ...series.map(({ name }) => name)].map((name) => `<th scope="col">${escapeHtml(name)}</th>`);
  const body = rows.map((name, i) =>
    `<tr><th scope="row">${escapeHtml(name)}</th>${
      series.map(({ values }) => `<td>${format(values[i])}</td>`).join("")
    }</tr>`
  );
  return `<div class="wide"><table>
<thead><tr>${head.join("")}</tr></thead>
<tbody>
${body.join("\n")}
</tbody>
</table></div>`;
}

function format(value: number | null): string {
  if (value === null) return "-";
  return value.toLocaleString("en", { maximumFractionDigits: value < 1 ? 3 : value < 100 ? 1 : 0 });
}
