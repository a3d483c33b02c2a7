import { type BenchReport, isMeasured, type Measured, type WorkloadName } from "../result.ts";
import { workloads } from "../workloads/workloads.ts";
import { serverCpu } from "./ratios.ts";

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
    { title: "filled at msgs/s", of: ({ filledPerSecond }) => whole(filledPerSecond) },
    p50,
    p99,
    { title: "CPU server", of: (run) => fixed(serverCpu(run), 1) },
    ratio("× W1", ({ ratios }) => ratios?.to === "w1" ? fixed(ratios.cpu, 2) : undefined),
  ],
};

/** The figures of one workload. */
export interface FigureTable {
  readonly workload: WorkloadName;
  /** The workload in a line. */
  readonly title: string;
  /** Begins with "" for the column of systems; empty when no system was measured. */
  readonly header: readonly string[];
  /** A row shorter than the header has a sentence in its second cell. */
  readonly rows: readonly (readonly string[])[];
  /** Sentences below the table. */
  readonly notes: readonly string[];
}

/** Describes the versions, the machine and the conditions, a sentence each. */
export function circumstances({ chatd, deno, machine, server, startedAt }: BenchReport): string[] {
  const { cpu, cores, memoryBytes, os } = machine;
  const memory = memoryBytes === 0 ? [] : [`${fixed(memoryBytes / 1024 ** 3, 1)} GiB`];
  return [
    [`chatd ${chatd.version} (commit ${chatd.commit})`, `Deno ${deno}`, cpu, `${cores} cores`, ...memory, os, startedAt]
      .join(", "),
    ...(server === undefined ? [] : [
      `The server is the one at ${server}, whose --rate and --burst limit each user; bare systems ran on this machine.`,
    ]),
    "CPU is milliseconds for 1,000 delivered messages, as the operating system counts them.",
  ];
}

/** Formats the figures of each workload as a table. */
export function figureTables({ runs }: BenchReport): FigureTable[] {
  return [...new Set(runs.map(({ workload }) => workload))].map((workload) => {
    const own = runs.filter((run) => run.workload === workload);
    const shown = columns[workload].filter(({ of }) => own.some((run) => isMeasured(run) && of(run) !== undefined));
    const postponed = own.filter(isMeasured).filter(({ postponed }) => postponed !== undefined);
    return {
      workload,
      title: `${workload.toUpperCase()}: ${workloads[workload].title}`,
      header: shown.length === 0 ? [] : ["", ...shown.map(({ title }) => title)],
      rows: own.map((run) =>
        isMeasured(run) ? [run.system, ...shown.map(({ of }) => of(run) ?? "-")] : [run.system, run.problem]
      ),
      notes: postponed.map(({ system, postponed }) =>
        `${system}: the server postponed ${whole(postponed)} sends because it was full or busy.`
      ),
    };
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
