import { type BenchRun, isMeasured, limitOf, type Measured, type Ratios } from "./result.ts";

/** Adds to each run how it compares with its limit, and to W5 how it compares with W1. */
export function withRatios(runs: readonly BenchRun[]): BenchRun[] {
  const measured = runs.filter(isMeasured);
  return runs.map((run) => {
    if (!isMeasured(run)) return run;
    const ofW1 = run.workload === "w5" && limitOf[run.system] !== undefined;
    const other = measured.find(({ workload, system }) =>
      ofW1 ? workload === "w1" && system === run.system : workload === run.workload && system === limitOf[run.system]
    );
    if (other === undefined) return run;
    return { ...run, ratios: { to: ofW1 ? other.workload : other.system, ...compare(run, other) } };
  });
}

/** One run's figures divided by another's. */
export function compare(run: Measured, other: Measured): Omit<Ratios, "to"> {
  const isAboutRate = run.workload === "w1" || run.workload === "w5";
  const ratios = {
    perSecond: isAboutRate ? divide(run.perSecond, other.perSecond) : undefined,
    cpu: divide(serverCpu(run), serverCpu(other)),
    p50: divide(run.latencyMs?.p50, other.latencyMs?.p50),
    p99: divide(run.latencyMs?.p99, other.latencyMs?.p99),
    memory: divide(sessionBytes(run), sessionBytes(other)),
  };
  return Object.fromEntries(Object.entries(ratios).filter(([, ratio]) => ratio !== undefined));
}

/** Of everything between the clients, in milliseconds for 1,000 messages. */
export function serverCpu({ cpu }: Measured): number | undefined {
  return sum(cpu?.server, cpu?.broker);
}

/** Of everything between the clients. */
export function sessionBytes({ idle }: Measured): number | undefined {
  return sum(idle?.serverBytesPerSession, idle?.brokerBytesPerSession);
}

function sum(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined && other === undefined ? undefined : (one ?? 0) + (other ?? 0);
}

function divide(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined || other === 0 ? undefined : Math.round(one / other * 1000) / 1000;
}
