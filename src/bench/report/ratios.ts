import {
  type BenchRun,
  type Figures,
  isMeasured,
  limitsOf,
  type Measured,
  type Ratios,
  type SystemName,
} from "../result.ts";

/** The processes between two clients. */
function betweenClients(system: SystemName): readonly ("server" | "broker")[] {
  if (system === "bare-amqp") return ["broker"];
  return system.startsWith("amqp") ? ["server", "broker"] : ["server"];
}

/** Adds to each run its ratios to the limit, and to W5 those to W1. */
export function withRatios(runs: readonly BenchRun[]): BenchRun[] {
  const measured = runs.filter(isMeasured);
  return runs.map((run) => {
    if (!isMeasured(run)) return run;
    const ofW1 = run.workload === "w5" && limitsOf(run.system).length > 0;
    const other = measured.find(({ workload, system }) =>
      ofW1
        ? workload === "w1" && system === run.system
        : workload === run.workload && system === limitsOf(run.system)[0]
    );
    if (other === undefined) return run;
    return { ...run, ratios: { to: ofW1 ? other.workload : other.system, ...compare(run, other) } };
  });
}

/** Divides the figures of a run by those of another. */
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

/**
 * Returns the CPU of all processes between the clients, in milliseconds for 1,000 messages; undefined when one is not
 * known.
 */
export function serverCpu({ system, cpu }: Measured): number | undefined {
  return sum(betweenClients(system).map((part) => cpu?.[part]));
}

/** Returns the bytes for a session in all processes between the clients that are known. */
export function sessionBytes({ idle }: Pick<Figures, "idle">): number | undefined {
  const known = [idle?.serverBytesPerSession, idle?.brokerBytesPerSession].filter((bytes) => bytes !== undefined);
  return known.length === 0 ? undefined : sum(known);
}

function sum(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce((sum, value) => sum === undefined || value === undefined ? undefined : sum + value, 0);
}

function divide(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined || other === 0 ? undefined : Math.round(one / other * 1000) / 1000;
}
