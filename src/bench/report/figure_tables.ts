import {
  type BenchReport,
  isMeasured,
  type Machine,
  type Measured,
  type Ratios,
  type WorkloadName,
} from "../result.ts";
import { workloads } from "../workloads/workloads.ts";

interface Column {
  readonly title: string;
  readonly of: (run: Measured) => string | undefined;
}

const p50: Column = { title: "p50 ms", of: ({ latencyMs }) => milliseconds(latencyMs?.p50) };
const p99: Column = { title: "p99 ms", of: ({ latencyMs }) => milliseconds(latencyMs?.p99) };
const rate: Column = { title: "messages/s", of: ({ perSecond }) => whole(perSecond) };
const cpu: readonly Column[] = [
  { title: "CPU server", of: ({ cpu }) => fixed(cpu?.server, 1) },
  { title: "broker", of: ({ cpu }) => fixed(cpu?.broker, 1) },
  { title: "database", of: ({ cpu }) => fixed(cpu?.database, 1) },
  { title: "driver", of: ({ cpu }) => fixed(cpu?.driver, 1) },
];

const columns: Readonly<Record<WorkloadName, readonly Column[]>> = {
  w1: [rate, p50, p99, ...cpu],
  w2: [p50, p99, ...cpu],
  w3: [
    { title: "sessions", of: ({ idle }) => whole(idle?.sessions) },
    { title: "logged in after s", of: ({ idle }) => fixed(idle?.loginSeconds, 2) },
    { title: "CPU-ms a login: server", of: ({ idle }) => fixed(idle?.serverCpuPerLogin, 2) },
    { title: "broker", of: ({ idle }) => fixed(idle?.brokerCpuPerLogin, 2) },
    { title: "database", of: ({ idle }) => fixed(idle?.databaseCpuPerLogin, 2) },
    { title: "KiB each: server", of: ({ idle }) => kibibytes(idle?.serverBytesPerSession) },
    { title: "broker", of: ({ idle }) => kibibytes(idle?.brokerBytesPerSession) },
  ],
  w4: [{ title: "members", of: ({ members }) => whole(members) }, p50, p99, ...cpu],
  w5: [
    rate,
    { title: "stored before", of: ({ stored }) => whole(stored) },
    { title: "filled at msgs/s", of: ({ filledPerSecond }) => whole(filledPerSecond) },
    p50,
    p99,
    ...cpu,
  ],
  w6: [
    { title: "CPU-ms a person and minute: server", of: ({ people }) => fixed(people?.serverCpuPerMinute, 2) },
    { title: "broker", of: ({ people }) => fixed(people?.brokerCpuPerMinute, 2) },
    { title: "sent", of: ({ people }) => whole(people?.sent) },
    { title: "delivered", of: ({ delivered }) => whole(delivered) },
    { title: "typing", of: ({ people }) => whole(people?.typingReports) },
    { title: "reads", of: ({ people }) => whole(people?.reads) },
    { title: "logins", of: ({ people }) => whole(people?.logins) },
    p50,
    p99,
    ...cpu,
  ],
};

const ratioColumns: readonly (readonly [title: string, key: keyof Omit<Ratios, "to">])[] = [
  ["messages/s", "perSecond"],
  ["CPU", "cpu"],
  ["p50", "p50"],
  ["p99", "p99"],
  ["CPU of a login", "login"],
  ["memory", "memory"],
];

const limitTitles: Readonly<Partial<Record<Ratios["to"], string>>> = {
  "bare-grpc": "the grpc-js relay",
  "bare-socket": "the socket relay",
  "bare-amqp": "bare amqplib",
  w1: "W1",
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
  /** Ratios to limits, medians of the rounds; undefined when there are none. */
  readonly ratios?: { readonly header: readonly string[]; readonly rows: readonly (readonly string[])[] };
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
    "Relays and the bare broker keep nothing: they have neither accounts nor a store.",
  ];
}

/** Formats the figures of each workload as a table. */
export function figureTables({ runs, machine }: BenchReport): FigureTable[] {
  return [...new Set(runs.map(({ workload }) => workload))].map((workload) => {
    const own = runs.filter((run) => run.workload === workload);
    const shown = columns[workload].filter(({ of }) => own.some((run) => isMeasured(run) && of(run) !== undefined));
    return {
      workload,
      title: `${workload.toUpperCase()}: ${workloads[workload].title}`,
      header: shown.length === 0 ? [] : ["", ...shown.map(({ title }) => title)],
      rows: own.map((run) =>
        isMeasured(run) ? [run.system, ...shown.map(({ of }) => of(run) ?? "-")] : [run.system, run.problem]
      ),
      ratios: ratioTable(own.filter(isMeasured)),
      notes: notesOf(workload, own.filter(isMeasured), machine),
    };
  });
}

function ratioTable(runs: readonly Measured[]): FigureTable["ratios"] {
  const all = runs.flatMap(({ system, ratios }) => ratios.map((ratio) => ({ system, ratio })));
  const shown = ratioColumns.filter(([, key]) => all.some(({ ratio }) => ratio[key] !== undefined));
  if (shown.length === 0) return undefined;
  return {
    header: ["ratios, medians of rounds", ...shown.map(([title]) => title)],
    rows: all.map(({ system, ratio }) => [
      `${system} of ${limitTitles[ratio.to] ?? ratio.to}`,
      ...shown.map(([, key]) => fixed(ratio[key], 2) ?? "-"),
    ]),
  };
}

function notesOf(workload: WorkloadName, runs: readonly Measured[], machine: Machine): string[] {
  const postponed = runs.filter(({ postponed }) => postponed !== undefined).map(({ system, postponed }) =>
    `${system}: the server postponed ${whole(postponed)} sends because it was full or busy.`
  );
  const { leavesOut } = workloads[workload];
  return [...threadNotes(runs, machine), ...postponed, ...(leavesOut === "" ? [] : [leavesOut])];
}

/** Describes the threads of servers with at least a hundredth of the CPU. */
function threadNotes(runs: readonly Measured[], { os }: Machine): string[] {
  const threads = runs.flatMap(({ system, cpu }) => {
    const busy = cpu?.threads?.filter(({ ms }) => ms >= 0.01 * (cpu.server ?? 0)) ?? [];
    return busy.length === 0 ? [] : [`${system}: ${busy.map(({ name, ms }) => `${name} ${fixed(ms, 1)}`).join(", ")}`];
  });
  if (threads.length > 0) return ["CPU of the server by thread:", ...threads];
  const isUnknown = !os.startsWith("linux") && runs.some(({ cpu }) => cpu?.server !== undefined);
  return isUnknown ? ["CPU of the server by thread: only Linux tells it."] : [];
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
