/** The workloads; docs/performance.md describes them. */
export const workloadNames = ["w1", "w2", "w3", "w4", "w5", "w6"] as const;
export type WorkloadName = (typeof workloadNames)[number];

/**
 * The transports of chatd, and their limits, named `bare-…`: the same driver without a chat. docs/performance.md
 * describes them.
 */
export const systemNames = [
  "grpc-stream",
  "grpc-single",
  "grpc-tls",
  "grpc-tls-single",
  "grpc-client",
  "grpc-callback",
  "grpc-database",
  "bare-grpc",
  "bare-socket",
  "amqp",
  "amqp-single",
  "bare-amqp",
] as const;
export type SystemName = (typeof systemNames)[number];

const limitsOfGrpc: readonly SystemName[] = ["bare-grpc", "bare-socket"];
/** The same server with the embedded database. */
const limitsOfDatabase: readonly SystemName[] = ["grpc-stream"];
const limitsOfAmqp: readonly SystemName[] = ["bare-amqp"];

/** Returns the limits that a system is compared with; none for a limit itself. */
export function limitsOf(system: SystemName): readonly SystemName[] {
  if (system.startsWith("bare-")) return [];
  if (system === "grpc-database") return limitsOfDatabase;
  return system.startsWith("grpc-") ? limitsOfGrpc : limitsOfAmqp;
}

/** The results of one `chatd bench`: `--json` prints them, and `--html` draws them. */
export interface BenchReport {
  readonly chatd: { readonly version: string; readonly commit: string };
  readonly deno: string;
  readonly machine: Machine;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** The running server that was measured, HOST:PORT; undefined when the bench started one for each run. */
  readonly server?: string;
  /** In order of measurement, by workload. */
  readonly runs: readonly BenchRun[];
  /** Conclusions from the figures, a sentence each. */
  readonly conclusions: readonly string[];
}

export interface Machine {
  /** "linux x86_64" */
  readonly os: string;
  /** As the operating system names it, or "unknown". */
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
}

/** One workload on one system, with figures or with a `problem`. */
export type BenchRun = Measured | NotMeasured;

export interface NotMeasured {
  readonly workload: WorkloadName;
  readonly system: SystemName;
  /** A sentence for people. */
  readonly problem: string;
  /** Makes the exit code 1; false for a system that cannot be measured here and was not named in `--system`. */
  readonly failed: boolean;
}

export interface Measured extends Figures {
  readonly workload: WorkloadName;
  readonly system: SystemName;
  readonly problem?: undefined;
  /** To the limits of the system, and of W5 to W1; only those with figures. */
  readonly ratios: readonly Ratios[];
}

/** All rounds of one workload on one system. */
export interface MeasuredRounds {
  readonly workload: WorkloadName;
  readonly system: SystemName;
  readonly problem?: undefined;
  readonly rounds: readonly Figures[];
}

/** The figures of one run; of several rounds, those of the round with the median of the workload's main figure. */
export interface Figures {
  /** The length of the measurement, after the warm-up. */
  readonly seconds: number;
  /** Messages that receivers got in that time; a message in a room counts once for each member. */
  readonly delivered: number;
  readonly perSecond: number;
  /** From the call that sends to the callback that receives; in W4, that of the last member. */
  readonly latencyMs?: LatencySummary;
  /** Milliseconds of CPU for 1,000 delivered messages, as the operating system counts them. */
  readonly cpu?: CpuPerThousand;
  /** In steps of the same length, in order. */
  readonly throughput?: readonly ThroughputStep[];
  /** Sends that the server postponed because it was full or busy; undefined when there were none. */
  readonly postponed?: number;
  /** W3 */
  readonly idle?: IdleFigures;
  /** W4 */
  readonly members?: number;
  /** W6 */
  readonly people?: PeopleFigures;
  /** W5: the messages in the log before the run. */
  readonly stored?: number;
  /** W5: messages a second while the log was filled; undefined when it was full before. */
  readonly filledPerSecond?: number;
}

/** A figure is undefined for a process that cannot be measured, such as a server on another machine. */
export interface CpuPerThousand {
  readonly server?: number;
  readonly broker?: number;
  /** All processes of the database's server. */
  readonly database?: number;
  /** The process of the bench, with all clients. */
  readonly driver?: number;
  /** The threads of the server by name, the busiest first; undefined where the operating system does not tell. */
  readonly threads?: readonly { readonly name: string; readonly ms: number }[];
}

export interface ThroughputStep {
  /** The end of the step, from the begin of the measurement. */
  readonly atSeconds: number;
  readonly perSecond: number;
}

export interface LatencySummary {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  /** Non-empty buckets, rising; bounds are powers of 2^(1/4), so a bucket is 19 % wide. */
  readonly histogram: readonly LatencyBucket[];
}

export interface LatencyBucket {
  /** The inclusive upper bound of the bucket. */
  readonly upToMs: number;
  readonly count: number;
}

export interface IdleFigures {
  readonly sessions: number;
  /** The time until all sessions are online. */
  readonly loginSeconds: number;
  /** CPU milliseconds of the server for each login with a token, connection included. */
  readonly serverCpuPerLogin?: number;
  readonly brokerCpuPerLogin?: number;
  readonly databaseCpuPerLogin?: number;
  /** The growth of the server's memory, for each session. */
  readonly serverBytesPerSession?: number;
  readonly brokerBytesPerSession?: number;
}

/** W6. Amounts are of the measurement, in real time. */
export interface PeopleFigures {
  readonly online: number;
  /** How many times faster than in life everything happens. */
  readonly timesFaster: number;
  readonly sent: number;
  readonly typingReports: number;
  readonly reads: number;
  /** People who came back after minutes of absence. */
  readonly logins: number;
  /** CPU milliseconds of one person online in a minute of life. */
  readonly serverCpuPerMinute?: number;
  readonly brokerCpuPerMinute?: number;
}

/** The figures of a run divided by those of another in the same round, where both have them: medians of the rounds. */
export interface Ratios {
  /** The limit, such as "bare-grpc"; W5 is compared with W1 of the same system. */
  readonly to: SystemName | WorkloadName;
  readonly perSecond?: number;
  /** Of server and broker together. */
  readonly cpu?: number;
  readonly p50?: number;
  readonly p99?: number;
  readonly memory?: number;
  /** Of one login in W3, of server and broker together. */
  readonly login?: number;
}

export function isMeasured(run: BenchRun): run is Measured {
  return run.problem === undefined;
}
