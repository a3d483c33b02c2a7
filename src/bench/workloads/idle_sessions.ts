import type { Figures } from "../result.ts";
import type { MeasuredProcesses, RunOptions, StartedSystem, Workload } from "../systems/system.ts";
import { CpuMeter } from "./cpu_meter.ts";
import { connectMany } from "./connect_many.ts";
import { type SettledMemory, settledMemory } from "./settled_memory.ts";

/** A broker with its connections and queues would need gigabytes for more. */
const mostOverBroker = 1_000;
/** Sessions before the measurement, so that memory that a server takes once is not counted. */
const standardBefore = 100;

export interface IdleWorkloadOptions {
  readonly sessions: number;
  /** Sessions before the measurement; 100 unless given. */
  readonly before?: number;
  readonly memoryOf?: (processes: MeasuredProcesses) => Promise<SettledMemory>;
}

/** W3: the CPU of logins and the memory of idle sessions. */
export function idleWorkload(
  { sessions, before = standardBefore, memoryOf = settledMemory }: IdleWorkloadOptions,
): Workload {
  const connect = async (count: number, system: StartedSystem, progress: RunOptions["progress"]) => {
    await connectMany(count, () => system.connectIdle(), progress);
  };
  return {
    name: "w3",
    title: "idle sessions, each of a different user with a token",
    users: sessions + before,
    systems: ["grpc-stream", "grpc-tls", "grpc-database", "bare-grpc", "bare-socket", "amqp", "bare-amqp"],
    leavesOut: "W3 leaves out chatd's own clients, of which thousands would be slower than the server.",
    refuses: (_, { serverIsOwn }) =>
      serverIsOwn
        ? undefined
        : "This workload needs many accounts, which the bench creates only for a server that it started.",
    async run(system, { progress }): Promise<Figures> {
      const count = system.processes.broker === undefined ? sessions : Math.min(sessions, mostOverBroker);
      await connect(before, system, progress);
      progress("waiting for memory to settle");
      const memoryBefore = await memoryOf(system.processes);
      const cpu = await CpuMeter.begin(system.processes);
      const startedAt = performance.now();
      await connect(count, system, progress);
      const loginSeconds = (performance.now() - startedAt) / 1000;
      const { server, broker, database } = await cpu.end();
      progress("waiting for memory to settle");
      const memory = await memoryOf(system.processes);
      const each = (before: number | undefined, after: number | undefined) =>
        before === undefined || after === undefined ? undefined : Math.round((after - before) / count);
      const perLogin = (ms: number | undefined) => ms === undefined ? undefined : round(ms / count);
      return {
        seconds: round(loginSeconds),
        delivered: 0,
        perSecond: 0,
        idle: {
          sessions: count,
          loginSeconds: round(loginSeconds),
          serverCpuPerLogin: perLogin(server),
          brokerCpuPerLogin: perLogin(broker),
          databaseCpuPerLogin: perLogin(database),
          serverBytesPerSession: each(memoryBefore.server, memory.server),
          brokerBytesPerSession: each(memoryBefore.broker, memory.broker),
        },
      };
    },
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
