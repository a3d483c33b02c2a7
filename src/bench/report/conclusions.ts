import { type BenchRun, isMeasured, type Measured, type SystemName, type WorkloadName } from "../result.ts";
import { compare } from "./ratios.ts";

const question = "gRPC or RabbitMQ: which is better for a chat?";
/** A smaller difference is noise. */
const even = 0.1;

interface Winner {
  readonly name: string;
  readonly other: string;
  /** Converts RabbitMQ's figure divided by gRPC's into a ratio to `other`. */
  times(ratio: number): number;
}

const grpc: Winner = { name: "gRPC", other: "RabbitMQ", times: (ratio) => 1 / ratio };
const rabbit: Winner = { name: "RabbitMQ", other: "gRPC", times: (ratio) => ratio };

/** A figure in which one of the two transports can be better. */
interface Point {
  readonly workload: WorkloadName;
  /** RabbitMQ's figure divided by gRPC's. */
  readonly ratio: number | undefined;
  readonly moreIsBetter: boolean;
  /** The noun after the ratio, as in "2.1 times the messages a second (W1)". */
  readonly of: string;
}

/** Draws conclusions from the figures, a sentence each. */
export function concludeFrom(runs: readonly BenchRun[]): string[] {
  const points = pointsOf(runs).filter(({ ratio }) => ratio !== undefined) as (Point & { ratio: number })[];
  if (points.length === 0) return [`${question} These figures do not answer it: ${whyNot(runs)}`];
  const favour = ({ ratio, moreIsBetter }: { ratio: number; moreIsBetter: boolean }) =>
    moreIsBetter ? ratio : 1 / ratio;
  const forRabbit = points.filter((point) => favour(point) > 1 + even);
  const forGrpc = points.filter((point) => favour(point) < 1 / (1 + even));
  const sentence = (winner: Winner, wins: typeof points, losses: typeof points) => {
    const list = (some: typeof points) =>
      some.map(({ ratio, of, workload }) => `${times(winner.times(ratio))} ${of} (${workload.toUpperCase()})`).join(
        ", ",
      );
    const but = losses.length === 0 ? "" : `, but with ${list(losses)}`;
    return `${question} ${winner.name}, with ${list(wins)} of ${winner.other}${but}.`;
  };
  if (forGrpc.length > forRabbit.length) return [sentence(grpc, forGrpc, forRabbit)];
  if (forRabbit.length > forGrpc.length) return [sentence(rabbit, forRabbit, forGrpc)];
  if (forGrpc.length === 0) return [`${question} They are alike: no figure differs by more than 10 %.`];
  const list = (some: typeof points) => some.map(({ of, workload }) => `${of} (${workload.toUpperCase()})`).join(", ");
  return [`${question} It depends: gRPC is better in ${list(forGrpc)}; RabbitMQ in ${list(forRabbit)}.`];
}

function pointsOf(runs: readonly BenchRun[]): Point[] {
  const ratiosOf = (workload: WorkloadName) => {
    const [grpc, amqp] = (["grpc-stream", "amqp"] as const).map((system) => find(runs, workload, system));
    return grpc && amqp ? compare(amqp, grpc) : undefined;
  };
  const [w1, w2, w3, w4] = (["w1", "w2", "w3", "w4"] as const).map(ratiosOf);
  return [
    { workload: "w1", ratio: w1?.perSecond, moreIsBetter: true, of: "the messages a second" },
    { workload: "w1", ratio: w1?.cpu, moreIsBetter: false, of: "the CPU for a message" },
    { workload: "w2", ratio: w2?.p50, moreIsBetter: false, of: "the latency of a message" },
    { workload: "w3", ratio: w3?.memory, moreIsBetter: false, of: "the memory for an idle session" },
    { workload: "w4", ratio: w4?.p50, moreIsBetter: false, of: "the latency to the last member of a large room" },
  ];
}

function find(runs: readonly BenchRun[], workload: WorkloadName, system: SystemName): Measured | undefined {
  return runs.filter(isMeasured).find((run) => run.workload === workload && run.system === system);
}

function whyNot(runs: readonly BenchRun[]): string {
  const missing = runs.find((run) => !isMeasured(run) && (run.system === "amqp" || run.system === "grpc-stream"));
  return missing?.problem ?? "both have to be measured, grpc-stream and amqp.";
}

function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 10 ? 2 : 0)} times`;
}
