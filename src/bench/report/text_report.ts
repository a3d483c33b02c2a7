import type { BenchReport } from "../result.ts";
import { circumstances, figureTables } from "./figure_tables.ts";

/** All figures as people read them. */
export function textReport(report: BenchReport): string {
  return [
    ...circumstances(report),
    ...figureTables(report).flatMap(({ title, header, rows, notes }) => [
      "",
      title,
      ...alignColumns([...(header.length === 0 ? [] : [header]), ...rows]),
      ...notes,
    ]),
    ...report.conclusions.flatMap((sentence) => ["", sentence]),
  ].join("\n");
}

/** The first column to the left, the others to the right; rows that are no figures have a sentence there. */
function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const [header] = rows;
  const whole = rows.filter(({ length }) => length === header.length);
  const widths = header.map((_, i) => Math.max(...(i === 0 ? rows : whole).map((row) => row[i].length)));
  return rows.map((row) => {
    const [first, ...rest] = row;
    if (row.length !== header.length || header[0] !== "") return `${first.padEnd(widths[0])}  ${rest.join(" ")}`;
    return [first.padEnd(widths[0]), ...rest.map((cell, i) => cell.padStart(widths[i + 1]))].join("  ").trimEnd();
  });
}
