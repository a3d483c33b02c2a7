import { dirname } from "node:path";
import { ChatError } from "../core/chat_error.ts";
import { commit } from "../host/commit.ts";
import { formatHostPort } from "../host/host_port.ts";
import { ShutdownSignals } from "../host/shutdown_signals.ts";
import { version } from "../host/version.ts";
import type { BenchOptions } from "./bench_options.ts";
import { describeMachine } from "./machine.ts";
import { Progress } from "./progress.ts";
import { concludeFrom } from "./report/conclusions.ts";
import { withRatios } from "./report/ratios.ts";
import { textReport } from "./report/text_report.ts";
import {
  type BenchReport,
  isMeasured,
  type MeasuredRounds,
  type NotMeasured,
  type SystemName,
  type WorkloadName,
  workloadNames,
} from "./result.ts";
import { runRounds } from "./run_rounds.ts";
import { runRelay } from "./relays/run_relay.ts";
import { namePrefix } from "./systems/accounts.ts";
import { makeSystems } from "./systems/all_systems.ts";
import { OwnedResources } from "./systems/owned_resources.ts";
import type { BenchSystem } from "./systems/system.ts";
import { idleWorkload } from "./workloads/idle_sessions.ts";
import { workloads } from "./workloads/workloads.ts";

/** The end of a bench: all runs were measured, some were not, or a signal interrupted it. */
export type BenchEnd = "done" | "incomplete" | "interrupted";

/** Measures and reports. @throws {ChatError} when no system can be measured */
export async function runBench(options: BenchOptions): Promise<BenchEnd> {
  if (options.relay !== undefined) {
    await runRelay(options.relay);
    return "done";
  }
  if (options.htmlFile !== undefined) requireFolderOf(options.htmlFile);
  using signals = new ShutdownSignals();
  await using resources = new OwnedResources(options.folder);
  const interrupt = new AbortController();
  const measuring = measure(options, { resources, signal: interrupt.signal });
  measuring.catch(() => {});
  const report = await Promise.race([measuring, signals.first.then(() => interrupt.abort())]);
  if (report === undefined) return "interrupted";
  console.log(options.json ? JSON.stringify(report, undefined, 2) : textReport(report));
  if (options.htmlFile !== undefined) {
    const { reportPage } = await import("./report/report_page.ts");
    await Deno.writeTextFile(options.htmlFile, reportPage(report));
  }
  return report.runs.some((run) => !isMeasured(run) && run.failed) ? "incomplete" : "done";
}

/** Reports whether to run a workload: W1 also runs for W5, which is compared with it. */
function isAsked(name: WorkloadName, { workloads }: BenchOptions): boolean {
  return workloads.includes(name) || name === "w1" && workloads.includes("w5");
}

/** Requires that the folder of a file exists, before the measurement. @throws {ChatError} `not_found` */
function requireFolderOf(file: string): void {
  try {
    if (Deno.statSync(dirname(file)).isDirectory) return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  throw new ChatError("not_found", `Cannot write the page to "${file}": there is no folder "${dirname(file)}".`);
}

async function measure(
  options: BenchOptions,
  { resources, signal }: { resources: OwnedResources; signal: AbortSignal },
): Promise<BenchReport> {
  const { rounds, seconds, server } = options;
  const startedAt = new Date().toISOString();
  const { systems, running } = await makeSystems(options, resources);
  const results: (MeasuredRounds | NotMeasured)[] = [];
  for (const name of workloadNames.filter((name) => isAsked(name, options))) {
    const roundsOptions = {
      rounds,
      seconds,
      serverIsOwn: server === undefined,
      systemsAreNamed: options.systems !== undefined,
      store: options,
      newFolder: () => resources.folder(),
      progress: new Progress(signal),
      signal,
    };
    const workload = name === "w3" ? idleWorkload(options) : workloads[name];
    const isAble = ({ name }: BenchSystem) => workload.systems.includes(name);
    results.push(...await runRounds(workload, systems.filter(isAble), roundsOptions));
    results.push(
      ...systems.filter((system) => !isAble(system) && hasNoWorkload(system.name, options)).map(({ name: system }) => ({
        workload: name,
        system,
        problem: workload.leavesOut,
        failed: false,
      })),
    );
  }
  const runs = withRatios(results);
  const registered = running.reduce((sum, { registered }) => sum + registered, 0);
  if (registered > 0) {
    console.error(
      `${registered} accounts whose names begin with "${namePrefix}" stay on the server, with their messages: ` +
        '"chatd user delete" removes an account.',
    );
  }
  return {
    chatd: { version, commit },
    deno: Deno.version.deno,
    machine: await describeMachine(),
    startedAt,
    ...(server !== undefined && { server: formatHostPort(server) }),
    runs,
    conclusions: concludeFrom(runs),
  };
}

/** Reports whether a system was named and no workload can run on it: then the report explains why. */
function hasNoWorkload(system: SystemName, options: BenchOptions): boolean {
  const hasWorkload = workloadNames.some((name) => isAsked(name, options) && workloads[name].systems.includes(system));
  return options.systems?.includes(system) === true && !hasWorkload;
}
