import { serverCpu } from "./ratios.ts";
import { type BenchReport, isMeasured, type Measured, type WorkloadName } from "./result.ts";
import { workloads } from "./workloads.ts";

interface Column {
  readonly title: string;
  readonly of: (run: Measured) => string | undefined;
}

const p50: Column = { title: "p50 ms", of: ({ latencyMs }) => milliseconds(latencyMs?.p50) };
const p99: Column = { title: "p99 ms", of: ({ latencyMs }) => milliseconds(latencyMs?.p99) };
const ratio = (title: string, of: Column["of"]): Column => ({ title, of });
const rate: readonly Column[] = [
  { title: "messages/s", of: ({ perSecond }) => whole(perSecond) },
  ratio("× limit", ({ ratios }) => fixed(ratios?.perSecond, 2)),
];
const cpu: readonly Column[] = [
  { title: "CPU server", of: ({ cpu }) => fixed(cpu?.server, 1) },
  { title: "broker", of: ({ cpu }) => fixed(cpu?.broker, 1) },
  ratio("× limit", ({ ratios }) => fixed(ratios?.cpu, 2)),
  { title: "clients", of: ({ cpu }) => fixed(cpu?.driver, 1) },
];
const latency: readonly Column[] = [p50, ratio("× limit", ({ ratios }) => fixed(ratios?.p50, 2)), p99];

const columns: Readonly<Record<WorkloadName, readonly Column[]>> = {
  w1: [...rate, p50, p99, ...cpu],
  w2: [...latency, ...cpu],
  w3: [
    { title: "sessions", of: ({ idle }) => whole(idle?.sessions) },
    { title: "logged in after s", of: ({ idle }) => fixed(idle?.loginSeconds, 2) },
    { title: "KiB each: server", of: ({ idle }) => kibibytes(idle?.serverBytesPerSession) },
    { title: "broker", of: ({ idle }) => kibibytes(idle?.brokerBytesPerSession) },
    ratio("× limit", ({ ratios }) => fixed(ratios?.memory, 2)),
  ],
  w4: [{ title: "members", of: ({ members }) => whole(members) }, ...latency, ...cpu],
  w5: [
    rate[0],
    ratio("× W1", ({ ratios }) => ratios?.to === "w1" ? fixed(ratios.perSecond, 2) : undefined),
    { title: "stored before", of: ({ stored }) => whole(stored) },
    p50,
    p99,
    { title: "CPU server", of: (run) => fixed(serverCpu(run), 1) },
    ratio("× W1", ({ ratios }) => ratios?.to === "w1" ? fixed(ratios.cpu, 2) : undefined),
  ],
};

/** All figures as people read them. */
export function textReport(report: BenchReport): string {
  const { chatd, deno, machine: { cpu, cores, memoryBytes, os }, server, startedAt, runs, conclusions } = report;
  const memory = memoryBytes === 0 ? [] : [`${fixed(memoryBytes / 1024 ** 3, 1)} GiB`];
  const lines = [
    [`chatd ${chatd.version} (commit ${chatd.commit})`, `Deno ${deno}`, cpu, `${cores} cores`, ...memory, os, startedAt]
      .join(", "),
    ...(server === undefined ? [] : [`The server is the one at ${server}; limits were measured on this machine.`]),
    "CPU is milliseconds for 1,000 delivered messages, as the operating system counts them.",
  ];
  for (const name of new Set(runs.map(({ workload }) => workload))) {
    const ofWorkload = runs.filter(({ workload }) => workload === name);
    lines.push("", `${name.toUpperCase()}: ${workloads[name].title}`);
    const shown = columns[name].filter(({ of }) => ofWorkload.some((run) => isMeasured(run) && of(run) !== undefined));
    lines.push(...alignColumns([
      ...(shown.length === 0 ? [] : [["", ...shown.map(({ title }) => title)]]),
      ...ofWorkload.map((run) =>
        isMeasured(run) ? [run.system, ...shown.map(({ of }) => of(run) ?? "-")] : [run.system, run.problem]
      ),
    ]));
    const postponed = ofWorkload.filter(isMeasured).filter(({ postponed }) => postponed !== undefined);
    lines.push(
      ...postponed.map(({ system, postponed }) =>
        `${system}: the server put off ${whole(postponed)} sends because of its limits (--rate, --burst).`
      ),
    );
  }
  return [...lines, ...conclusions.flatMap((sentence) => ["", sentence])].join("\n");
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

function whole(value: number | undefined): string | undefined {
  return value?.toLocaleString("en", { maximumFractionDigits: 0 });
}

function fixed(value: number | undefined, digits: number): string | undefined {
  return value?.toFixed(digits);
}

function milliseconds(value: number | undefined): string | undefined {
  return value?.toFixed(value < 10 ? 2 : 1);
}

function kibibytes(bytes: number | undefined): string | undefined {
  return bytes === undefined ? undefined : fixed(bytes / 1024, 1);
}
