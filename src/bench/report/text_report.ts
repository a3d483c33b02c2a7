import type { BenchReport } from "../result.ts";
import { circumstances, figureTables } from "./figure_tables.ts";

/** Formats all figures as text. */
export function textReport(report: BenchReport): string {
  return [
    ...circumstances(report),
    ...figureTables(report).flatMap(({ title, header, rows, ratios, notes }) => [
      "",
      title,
      ...alignColumns([...(header.length === 0 ? [] : [header]), ...rows]),
      ...(ratios === undefined ? [] : ["", ...alignColumns([ratios.header, ...ratios.rows]), ""]),
      ...notes,
    ]),
    ...report.conclusions.flatMap((sentence) => ["", sentence]),
  ].join("\n");
}

/**
 * Aligns the first column to the left and the others to the right; a row without figures has a sentence after its name.
 */
function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const [header] = rows;
  const whole = rows.filter(({ length }) => length === header.length);
  const widths = header.map((_, i) => Math.max(...(i === 0 ? rows : whole).map((row) => row[i].length)));
  return rows.map((row) => {
    const [first, ...rest] = row;
    if (row.length !== header.length || header.length < 2) return `${first.padEnd(widths[0])}  ${rest.join(" ")}`;
    return [first.padEnd(widths[0]), ...rest.map((cell, i) => cell.padStart(widths[i + 1]))].join("  ").trimEnd();
  });
}
