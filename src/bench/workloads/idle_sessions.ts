import type { Figures } from "../result.ts";
import type { MeasuredProcesses, RunOptions, StartedSystem, Workload } from "../systems/system.ts";
import { connectMany } from "./connect_many.ts";
import { type SettledMemory, settledMemory } from "./settled_memory.ts";

/** Sessions before the measurement, so that memory that a server takes once is not counted. */
const standardBefore = 100;

export interface IdleWorkloadOptions {
  readonly sessions: number;
  /** Sessions before the measurement; 100 unless given. */
  readonly before?: number;
  readonly memoryOf?: (processes: MeasuredProcesses) => Promise<SettledMemory>;
}

/** W3: the memory of idle sessions. */
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
    refuses: (_, { serverIsOwn }) =>
      serverIsOwn
        ? undefined
        : "This workload needs many accounts, which the bench creates only for a server that it started.",
    async run(system, { progress }): Promise<Figures> {
      await connect(before, system, progress);
      progress("waiting for memory to settle");
      const memoryBefore = await memoryOf(system.processes);
      const startedAt = performance.now();
      await connect(sessions, system, progress);
      const loginSeconds = (performance.now() - startedAt) / 1000;
      progress("waiting for memory to settle");
      const memory = await memoryOf(system.processes);
      const each = (before: number | undefined, after: number | undefined) =>
        before === undefined || after === undefined ? undefined : Math.round((after - before) / sessions);
      return {
        seconds: round(loginSeconds),
        delivered: 0,
        perSecond: 0,
        idle: {
          sessions,
          loginSeconds: round(loginSeconds),
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
