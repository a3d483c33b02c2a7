import { stampNow } from "../driver/stamps.ts";
import type { CpuPerThousand, Figures, ThroughputStep } from "../result.ts";
import type { MeasuredProcesses, RunOptions } from "../systems/system.ts";
import { Latencies } from "./latencies.ts";
import { ownCpuMs, type ProcessUsage, usageOf } from "./process_usage.ts";

const longestWarmUpSeconds = 3;
const stepMs = 500;

/** Counts delivered messages, their latencies and their CPU. */
export class Meter {
  readonly #processes: MeasuredProcesses;
  readonly #latencies = new Latencies();
  #count = 0;

  constructor(processes: MeasuredProcesses) {
    this.#processes = processes;
  }

  /** All deliveries since the meter was made. */
  get count(): number {
    return this.#count;
  }

  /** Counts a delivery. @param stamp the time of sending, in microseconds */
  readonly delivered = (stamp: number): void => {
    this.#count++;
    this.#latencies.add((stampNow() - stamp) / 1000);
  };

  /** Counts a delivery to one of many members; {@link deliveredToAll} adds the latency. */
  deliveredToOne(): void {
    this.#count++;
  }

  deliveredToAll(stamp: number): void {
    this.#latencies.add((stampNow() - stamp) / 1000);
  }

  /** Measures for a number of seconds, after a warm-up. */
  async measureRate({ seconds, progress }: RunOptions): Promise<Figures> {
    progress("warming up");
    await wait(Math.min(seconds, longestWarmUpSeconds) * 1000);
    return await this.measure(async (startedAt, throughput) => {
      let before = { at: startedAt, count: this.#count };
      for (let step = 1; before.at - startedAt < seconds * 1000; step++) {
        await wait(startedAt + step * stepMs - performance.now());
        const now = { at: performance.now(), count: this.#count };
        const perSecond = Math.round((now.count - before.count) / (now.at - before.at) * 1000);
        throughput.push({ atSeconds: round((now.at - startedAt) / 1000), perSecond });
        progress(`${perSecond.toLocaleString("en")} messages/s`);
        before = now;
      }
    });
  }

  /** Measures the deliveries during `work`, which may fill in the throughput over time. */
  async measure(work: (startedAt: number, throughput: ThroughputStep[]) => Promise<void>): Promise<Figures> {
    const throughput: ThroughputStep[] = [];
    const before = await this.#usage();
    this.#latencies.clear();
    const startedAt = performance.now();
    const countBefore = this.#count;
    const driverBefore = ownCpuMs();
    await work(startedAt, throughput);
    const driver = ownCpuMs() - driverBefore;
    const delivered = this.#count - countBefore;
    const seconds = (performance.now() - startedAt) / 1000;
    const latencyMs = this.#latencies.summary();
    const after = await this.#usage();
    const perThousand = (ms: number | undefined) =>
      ms === undefined || delivered === 0 ? undefined : round(ms / delivered * 1000);
    const cpu: CpuPerThousand = {
      server: perThousand(difference(before.server, after.server)),
      broker: perThousand(difference(before.broker, after.broker)),
      driver: perThousand(driver),
    };
    return {
      seconds: round(seconds),
      delivered,
      perSecond: Math.round(delivered / seconds),
      latencyMs,
      cpu,
      ...(throughput.length > 0 && { throughput }),
    };
  }

  async #usage(): Promise<{ server?: ProcessUsage; broker?: ProcessUsage }> {
    const { server, broker } = this.#processes;
    const [ofServer, ofBroker] = await Promise.all([server, broker].map((pid) => pid && usageOf(pid)));
    return { server: ofServer || undefined, broker: ofBroker || undefined };
  }
}

function difference(before: ProcessUsage | undefined, after: ProcessUsage | undefined): number | undefined {
  return before && after && after.cpuMs - before.cpuMs;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
