import { dirname } from "node:path";
import { openAmqpTransport } from "../app/client/amqp_transport.ts";
import { openGrpcTransport } from "../app/client/grpc_transport.ts";
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
  type BenchRun,
  isMeasured,
  limitOf,
  type SystemName,
  type WorkloadName,
  workloadNames,
} from "./result.ts";
import { runRounds } from "./run_rounds.ts";
import { namePrefix } from "./systems/accounts.ts";
import { BareAmqp } from "./systems/bare_amqp.ts";
import { BareGrpc, runBareRelay } from "./systems/bare_grpc.ts";
import { BenchBroker } from "./systems/bench_broker.ts";
import { OwnServers, RunningServer } from "./systems/chatd_servers.ts";
import { ChatdSystem } from "./systems/chatd_system.ts";
import { OwnedResources } from "./systems/owned_resources.ts";
import type { BenchSystem } from "./systems/system.ts";
import { idleWorkload } from "./workloads/idle_sessions.ts";
import { workloads } from "./workloads/workloads.ts";

/** The end of a bench: all runs were measured, some were not, or a signal interrupted it. */
export type BenchEnd = "done" | "incomplete" | "interrupted";

/** Measures and reports. @throws {ChatError} when no system can be measured */
export async function runBench(options: BenchOptions): Promise<BenchEnd> {
  if (options.relay) {
    await runBareRelay();
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
  const { systems, running } = systemsOf(options, resources);
  const runs: BenchRun[] = [];
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
    // A limit has no entry in `limitOf`.
    const isAble = ({ name }: BenchSystem) => !workload.needsChat || limitOf[name] !== undefined;
    runs.push(...await runRounds(workload, systems.filter(isAble), roundsOptions));
    runs.push(
      ...systems.filter((system) => !isAble(system) && hasNoWorkload(system.name, options)).map(needsChat(name)),
    );
  }
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
    runs: withRatios(runs),
    conclusions: concludeFrom(runs),
  };
}

/** Reports whether a system was named and no workload can run on it: then the report explains why. */
function hasNoWorkload(system: SystemName, options: BenchOptions): boolean {
  const hasWorkload = workloadNames.some((name) => isAsked(name, options) && !workloads[name].needsChat);
  return options.systems?.includes(system) === true && !hasWorkload;
}

function needsChat(workload: WorkloadName): (system: BenchSystem) => BenchRun {
  const problem = `${workload.toUpperCase()} needs a chat: a bare system cannot do the same work.`;
  return ({ name }) => ({ workload, system: name, problem, failed: false });
}

interface Systems {
  readonly systems: readonly BenchSystem[];
  /** The running server, once for each transport; empty when the bench starts its own. */
  readonly running: readonly RunningServer[];
}

function systemsOf(options: BenchOptions, resources: OwnedResources): Systems {
  const { server: address, serverPid, broker, brokerPid } = options;
  const ownBroker = new BenchBroker(resources);
  const running = address === undefined ? [] : [
    new RunningServer({ address, processes: { server: serverPid } }),
    new RunningServer({ broker, processes: { server: serverPid, broker: brokerPid } }),
  ];
  const [onGrpc, onBroker] = address === undefined
    ? [new OwnServers(resources), new OwnServers(resources, ownBroker)]
    : running;
  const overGrpc = (name: SystemName, callback: boolean) =>
    new ChatdSystem({
      name,
      servers: onGrpc,
      callback,
      transport: ({ address }) =>
        openGrpcTransport({ ...options, server: address!, delivery: callback ? "callback" : "stream" }),
    });
  const overAmqp = new ChatdSystem({
    name: "amqp",
    servers: onBroker,
    callback: false,
    transport: ({ broker }, user) => {
      if (broker === undefined) {
        throw new ChatError("not_found", "The server's broker is not known: name it with --broker.");
      }
      return openAmqpTransport({ ...options, broker, user, caFile: options.tls?.caFile });
    },
  });
  const all: BenchSystem[] = [
    overGrpc("grpc-stream", false),
    overGrpc("grpc-callback", true),
    new BareGrpc(resources),
    overAmqp,
    new BareAmqp(ownBroker),
  ];
  return { systems: all.filter(({ name }) => options.systems?.includes(name) ?? true), running };
}
