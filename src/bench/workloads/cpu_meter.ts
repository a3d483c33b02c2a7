import type { MeasuredProcesses } from "../systems/system.ts";
import { ownCpuMs, threadsBetween, threadsOf, type ThreadUsage, treeCpuMs, usageOf } from "./process_usage.ts";

/** CPU milliseconds; undefined for a process that cannot be measured. */
export interface CpuMs {
  readonly server?: number;
  readonly broker?: number;
  /** All processes of the database's server. */
  readonly database?: number;
  /** The process of the bench. */
  readonly driver: number;
  /** The server's threads by name; empty where the system does not tell. */
  readonly threads: readonly ThreadUsage[];
}

/** The CPU of all processes between two points in time. */
export class CpuMeter {
  readonly #processes: MeasuredProcesses;
  readonly #before: Reading;

  private constructor(processes: MeasuredProcesses, before: Reading) {
    this.#processes = processes;
    this.#before = before;
  }

  static async begin(processes: MeasuredProcesses): Promise<CpuMeter> {
    const reading = await read(processes);
    return new CpuMeter(processes, { ...reading, driver: ownCpuMs() });
  }

  async end(): Promise<CpuMs> {
    const driver = ownCpuMs() - this.#before.driver;
    const { server, broker, database, threads } = await read(this.#processes);
    return {
      server: difference(this.#before.server, server),
      broker: difference(this.#before.broker, broker),
      database: difference(this.#before.database, database),
      driver,
      threads: threadsBetween(this.#before.threads, threads),
    };
  }
}

interface Reading {
  readonly server?: number;
  readonly broker?: number;
  readonly database?: number;
  readonly driver: number;
  readonly threads: Map<string, ThreadUsage>;
}

async function read({ server, broker, database }: MeasuredProcesses): Promise<Reading> {
  const [ofServer, ofBroker] = await Promise.all([server, broker].map((pid) => pid && usageOf(pid)));
  return {
    server: ofServer ? ofServer.cpuMs : undefined,
    broker: ofBroker ? ofBroker.cpuMs : undefined,
    database: database === undefined ? undefined : await treeCpuMs(database),
    driver: ownCpuMs(),
    threads: server === undefined ? new Map() : await threadsOf(server),
  };
}

function difference(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined ? undefined : after - before;
}
