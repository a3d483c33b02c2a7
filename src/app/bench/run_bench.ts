import { commit } from "../commit.ts";
import { openGrpcTransport } from "../grpc_transport.ts";
import { formatHostPort } from "../host_port.ts";
import { ShutdownSignals } from "../shutdown_signals.ts";
import { version } from "../version.ts";
import { BareGrpc, runBareRelay } from "./bare_grpc.ts";
import type { BenchOptions } from "./bench_options.ts";
import { OwnServers, RunningServer } from "./chatd_servers.ts";
import { ChatdSystem } from "./chatd_system.ts";
import { concludeFrom } from "./conclusions.ts";
import { describeMachine } from "./machine.ts";
import { OwnedResources } from "./owned_resources.ts";
import { Progress } from "./progress.ts";
import { withRatios } from "./ratios.ts";
import { type BenchReport, type BenchRun, isMeasured, type SystemName } from "./result.ts";
import { runRounds } from "./run_rounds.ts";
import type { BenchSystem } from "./system.ts";
import { textReport } from "./text_report.ts";
import { workloads } from "./workloads.ts";

/** As shells count it: 128 and the number of SIGINT. */
const interrupted = 130;

/** Measures, and says what it found. @returns the exit code: 1 when something failed. @throws {ChatError} when nothing can be measured */
export async function runBench(options: BenchOptions): Promise<number> {
  if (options.relay) return await runBareRelay();
  using signals = new ShutdownSignals();
  await using resources = new OwnedResources(options.folder);
  const progress = new Progress();
  const measuring = measure(options, { resources, progress });
  // What it still does when it is interrupted fails, because its processes are gone.
  measuring.catch(() => {});
  const report = await Promise.race([measuring, signals.first.then(() => undefined)]);
  progress.close();
  if (report === undefined) return interrupted;
  console.log(options.json ? JSON.stringify(report, undefined, 2) : textReport(report));
  return report.runs.some((run) => !isMeasured(run) && run.failed) ? 1 : 0;
}

async function measure(
  options: BenchOptions,
  { resources, progress }: { resources: OwnedResources; progress: Progress },
): Promise<BenchReport> {
  const { rounds, seconds, server } = options;
  const startedAt = new Date().toISOString();
  const running = server === undefined ? undefined : new RunningServer(server, {
    server: options.serverPid,
    broker: options.brokerPid,
  });
  const systems = systemsOf(options, { resources, running });
  const runs: BenchRun[] = [];
  for (const name of options.workloads.filter((name) => name in workloads)) {
    const roundsOptions = {
      rounds,
      seconds,
      serverIsOwn: server === undefined,
      systemsAreNamed: options.systems !== undefined,
      progress,
    };
    runs.push(...await runRounds(workloads[name], systems, roundsOptions));
  }
  if (running !== undefined && running.registered > 0) {
    console.error(
      `At ${
        formatHostPort(server!)
      }, ${running.registered} accounts stay, whose names begin with "bench-", and what they wrote: ` +
        `"chatd user delete" removes them.`,
    );
  }
  return {
    chatd: { version, commit },
    deno: Deno.version.deno,
    machine: await describeMachine(),
    startedAt,
    ...(server !== undefined && { server: formatHostPort(server) }),
    runs: withRatios(runs),
    conclusions: concludeFrom(runs),
  };
}

function systemsOf(
  options: BenchOptions,
  { resources, running }: { resources: OwnedResources; running: RunningServer | undefined },
): BenchSystem[] {
  const servers = running ?? new OwnServers(resources);
  const overGrpc = (name: SystemName, callback: boolean) =>
    new ChatdSystem({
      name,
      servers,
      callback,
      transport: ({ address }) =>
        openGrpcTransport({ ...options, server: address, delivery: callback ? "callback" : "stream" }),
    });
  const all: BenchSystem[] = [
    overGrpc("grpc-stream", false),
    overGrpc("grpc-callback", true),
    new BareGrpc(resources),
  ];
  return all.filter(({ name }) => options.systems?.includes(name) ?? true);
}
