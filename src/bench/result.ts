/** What is measured: docs/performance.md says what each is. */
export const workloadNames = ["w1", "w2", "w3", "w4", "w5"] as const;
export type WorkloadName = (typeof workloadNames)[number];

/** Ways through chatd, and, named `bare-…`, what the same libraries reach without any chat: the limit of the same work. */
export const systemNames = ["grpc-stream", "grpc-callback", "amqp", "bare-grpc", "bare-amqp"] as const;
export type SystemName = (typeof systemNames)[number];

/** What each way through chatd is compared with. */
export const limitOf: Readonly<Partial<Record<SystemName, SystemName>>> = {
  "grpc-stream": "bare-grpc",
  "grpc-callback": "bare-grpc",
  amqp: "bare-amqp",
};

/** Everything that one `chatd bench` found; what `--json` prints, and `--html` draws. */
export interface BenchReport {
  readonly chatd: { readonly version: string; readonly commit: string };
  readonly deno: string;
  readonly machine: Machine;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** The server that was there already, HOST:PORT; undefined when each run had one of its own. */
  readonly server?: string;
  /** In the order in which they were measured: a workload's systems are beside each other. */
  readonly runs: readonly BenchRun[];
  /** What the figures say, a sentence each. */
  readonly conclusions: readonly string[];
}

export interface Machine {
  /** "linux x86_64" */
  readonly os: string;
  /** As the system names it; "unknown" where it does not. */
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
}

/** One workload on one system; with `problem`, there are no figures, and it says why. */
export type BenchRun = Measured | NotMeasured;

export interface NotMeasured {
  readonly workload: WorkloadName;
  readonly system: SystemName;
  /** A sentence for people. */
  readonly problem: string;
  /** Something went wrong; false where it was clear that it cannot be measured here, and nobody asked for it by name. */
  readonly failed: boolean;
}

export interface Measured extends Figures {
  readonly workload: WorkloadName;
  readonly system: SystemName;
  readonly problem?: undefined;
  readonly ratios?: Ratios;
}

/** What one run finds; of several rounds, the one with the median of what the workload is about. */
export interface Figures {
  /** How long it was measured, after the warm-up. */
  readonly seconds: number;
  /** Messages that receivers got in that time; a message to a room counts once for each member. */
  readonly delivered: number;
  readonly perSecond: number;
  /** From the call that sends to the call that receives; in W4, until the last member has it. */
  readonly latencyMs?: LatencySummary;
  /** Milliseconds of CPU for 1,000 delivered messages, as the operating system counts them. */
  readonly cpu?: CpuPerThousand;
  /** Of steps of the same length, in order. */
  readonly throughput?: readonly ThroughputStep[];
  /** Sends that the server did not take when they came, because it was full or busy, if there were any. */
  readonly postponed?: number;
  /** W3 */
  readonly idle?: IdleFigures;
  /** W4 */
  readonly members?: number;
  /** W5: what the log held before. */
  readonly stored?: number;
  /** W5: messages a second that went into the log beforehand, if it was filled now. */
  readonly filledPerSecond?: number;
}

/** Undefined where the system does not tell, as of a server elsewhere. */
export interface CpuPerThousand {
  readonly server?: number;
  readonly broker?: number;
  /** All clients together, in the process of the bench. */
  readonly driver?: number;
}

export interface ThroughputStep {
  /** The end of the step, since the measurement began. */
  readonly atSeconds: number;
  readonly perSecond: number;
}

export interface LatencySummary {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  /** Only buckets that are not empty, rising; bounds are powers of 2^(1/4), so a bucket is 19 % wide. */
  readonly histogram: readonly LatencyBucket[];
}

export interface LatencyBucket {
  /** What is in the bucket took longer than the bound before, and at most this. */
  readonly upToMs: number;
  readonly count: number;
}

export interface IdleFigures {
  readonly sessions: number;
  /** Until all are online. */
  readonly loginSeconds: number;
  /** What the server's memory grew by, for each. */
  readonly serverBytesPerSession?: number;
  readonly brokerBytesPerSession?: number;
}

/** This run's figures divided by those of another; only those that both have. */
export interface Ratios {
  /** The limit of the same work: "bare-grpc"; W5 is compared with the same system's W1. */
  readonly to: SystemName | WorkloadName;
  readonly perSecond?: number;
  /** The server's and the broker's together. */
  readonly cpu?: number;
  readonly p50?: number;
  readonly p99?: number;
  readonly memory?: number;
}

export function isMeasured(run: BenchRun): run is Measured {
  return run.problem === undefined;
}
