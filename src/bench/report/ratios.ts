import {
  type BenchRun,
  type Figures,
  limitsOf,
  type Measured,
  type MeasuredRounds,
  type NotMeasured,
  type Ratios,
  type SystemName,
  type WorkloadName,
} from "../result.ts";

/** The processes between two clients. */
function betweenClients(system: SystemName): readonly ("server" | "broker")[] {
  if (system === "bare-amqp") return ["broker"];
  return system.startsWith("amqp") ? ["server", "broker"] : ["server"];
}

/** Reports the median round of each system, with the medians of its ratios to its limits, and of W5 to W1. */
export function withRatios(results: readonly (MeasuredRounds | NotMeasured)[]): BenchRun[] {
  const measured = results.filter((result) => result.problem === undefined);
  return results.map((result) => {
    if (result.problem !== undefined) return result;
    const { workload, system, rounds } = result;
    const ratios = others(result).flatMap(({ to, workload, system }) => {
      const other = measured.find((run) => run.workload === workload && run.system === system);
      return other === undefined ? [] : [{ to, ...medianRatios(result, other) }];
    });
    return { workload, system, ...medianRound(workload, rounds), ratios };
  });
}

/** The results that one is compared with. */
function others({ workload, system }: MeasuredRounds) {
  if (workload === "w5") return [{ to: "w1", workload: "w1", system }] as const;
  return limitsOf(system).map((limit) => ({ to: limit, workload, system: limit }));
}

function medianRatios(one: MeasuredRounds, other: MeasuredRounds): Omit<Ratios, "to"> {
  const { workload } = one;
  const ofRounds = one.rounds.slice(0, other.rounds.length).map((figures, round) =>
    compare({ ...figures, workload, system: one.system }, { ...other.rounds[round], workload, system: other.system })
  );
  const keys = new Set(ofRounds.flatMap((ratios) => Object.keys(ratios))) as Set<keyof Omit<Ratios, "to">>;
  return Object.fromEntries([...keys].map((key) => [key, median(ofRounds.flatMap((ratios) => ratios[key] ?? []))]));
}

/** Returns the lower middle of an even number. */
function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor((values.length - 1) / 2)];
}

/** Returns the round with the median of the workload's main figure. */
export function medianRound(workload: WorkloadName, rounds: readonly Figures[]): Figures {
  const rank = ({ perSecond, latencyMs, idle, people }: Figures): number => {
    if (idle !== undefined) return idle.serverCpuPerLogin ?? sessionBytes({ idle }) ?? idle.loginSeconds;
    if (people !== undefined) return people.serverCpuPerMinute ?? latencyMs?.p50 ?? 0;
    return workload === "w1" || workload === "w5" ? perSecond : latencyMs?.p50 ?? 0;
  };
  const sorted = rounds.toSorted((one, other) => rank(one) - rank(other));
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

type Comparable = Figures & Pick<Measured, "workload" | "system">;

/** Divides the figures of a run by those of another. */
export function compare(run: Comparable, other: Comparable): Omit<Ratios, "to"> {
  const isAboutRate = run.workload === "w1" || run.workload === "w5";
  const ratios = {
    perSecond: isAboutRate ? divide(run.perSecond, other.perSecond) : undefined,
    cpu: divide(serverCpu(run), serverCpu(other)),
    p50: divide(run.latencyMs?.p50, other.latencyMs?.p50),
    p99: divide(run.latencyMs?.p99, other.latencyMs?.p99),
    memory: divide(sessionBytes(run), sessionBytes(other)),
    login: divide(loginCpu(run), loginCpu(other)),
  };
  return Object.fromEntries(Object.entries(ratios).filter(([, ratio]) => ratio !== undefined));
}

/**
 * Returns the CPU of all processes between the clients, in milliseconds for 1,000 messages; undefined when one is not
 * known.
 */
function serverCpu({ system, cpu }: Pick<Measured, "system" | "cpu">): number | undefined {
  return sum(betweenClients(system).map((part) => cpu?.[part]));
}

/** Returns the bytes for a session in all processes between the clients that are known. */
function sessionBytes({ idle }: Pick<Figures, "idle">): number | undefined {
  const known = [idle?.serverBytesPerSession, idle?.brokerBytesPerSession].filter((bytes) => bytes !== undefined);
  return known.length === 0 ? undefined : sum(known);
}

/** Returns the CPU milliseconds of a login in all processes between the clients. */
function loginCpu({ system, idle }: Pick<Measured, "system" | "idle">): number | undefined {
  const of = { server: idle?.serverCpuPerLogin, broker: idle?.brokerCpuPerLogin };
  return sum(betweenClients(system).map((part) => of[part]));
}

function sum(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce((sum, value) => sum === undefined || value === undefined ? undefined : sum + value, 0);
}

function divide(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined || other === 0 ? undefined : Math.round(one / other * 1000) / 1000;
}
