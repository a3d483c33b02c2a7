import { ChatError } from "../core/chat_error.ts";
import type { Progress } from "./progress.ts";
import type { Figures, MeasuredRounds, NotMeasured } from "./result.ts";
import type { BenchSystem, Prepared, StoreOptions, Workload } from "./systems/system.ts";

export interface RoundsOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly serverIsOwn: boolean;
  /** The systems were named in `--system`: one that cannot be measured counts as a failure. */
  readonly systemsAreNamed: boolean;
  readonly store: StoreOptions;
  newFolder(): Promise<string>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Runs one workload on all systems in turns, so that other load on the machine affects all of them alike. */
export async function runRounds(
  workload: Workload,
  systems: readonly BenchSystem[],
  options: RoundsOptions,
): Promise<(MeasuredRounds | NotMeasured)[]> {
  const results = systems.map((system) => ({
    system,
    found: [] as Figures[],
    problem: undefined as Problem | undefined,
  }));
  let preparing: Promise<Prepared | undefined> | undefined;
  const prepare = () => preparing ??= prepareFor(workload, options);
  for (let round = 1; round <= options.rounds; round++) {
    for (const result of results) {
      options.signal.throwIfAborted();
      if (result.problem !== undefined) continue;
      const figures = await runOnce(workload, result.system, { ...options, round, prepare });
      if ("problem" in figures) result.problem = figures;
      else result.found.push(figures);
    }
  }
  return results.map(({ system: { name }, found, problem }) => ({
    workload: workload.name,
    system: name,
    ...(problem ?? { rounds: found }),
  }));
}

interface Problem {
  readonly problem: string;
  readonly failed: boolean;
}

async function prepareFor(
  workload: Workload,
  { store, newFolder, progress }: RoundsOptions,
): Promise<Prepared | undefined> {
  return await workload.prepare?.({ ...store, newFolder, progress: (words) => progress.say(words) });
}

async function runOnce(
  workload: Workload,
  system: BenchSystem,
  { seconds, serverIsOwn, systemsAreNamed, progress, rounds, round, prepare }: RoundsOptions & {
    round: number;
    prepare(): Promise<Prepared | undefined>;
  },
): Promise<Figures | Problem> {
  const ofRounds = rounds === 1 ? "" : `, round ${round} of ${rounds}`;
  progress.begin(`${workload.name.toUpperCase()} ${system.name}${ofRounds}`);
  const runOptions = { seconds, progress: (words: string) => progress.say(words) };
  const refused = workload.refuses?.(system.name, { serverIsOwn });
  if (refused !== undefined) {
    progress.end(refused);
    return { problem: refused, failed: systemsAreNamed };
  }
  try {
    const prepared = await prepare();
    const { users, fill } = workload;
    await using started = await system.start({ users, fill, folder: prepared?.folder });
    const figures = await Promise.race([workload.run(started, { ...runOptions, prepared }), started.failed]);
    progress.end(summary(figures));
    return started.postponed === 0 ? figures : { ...figures, postponed: started.postponed };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    progress.end(error instanceof ChatError || !(error instanceof Error) ? problem : error.stack ?? problem);
    const isMissing = error instanceof ChatError && error.code === "not_found";
    return { problem, failed: systemsAreNamed || !isMissing };
  }
}

function summary({ perSecond, latencyMs, idle, people }: Figures): string {
  if (idle !== undefined) return `${idle.sessions} sessions after ${idle.loginSeconds} s`;
  if (people?.serverCpuPerMinute !== undefined) {
    return `${people.online} people, ${people.serverCpuPerMinute} CPU-ms of the server a minute for each`;
  }
  const took = latencyMs === undefined ? "" : `, median latency ${latencyMs.p50} ms`;
  return `${perSecond.toLocaleString("en")} messages/s${took}`;
}
