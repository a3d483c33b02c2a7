import { stampNow } from "../driver/stamps.ts";
import type { CpuPerThousand, Figures, ThroughputStep } from "../result.ts";
import type { MeasuredProcesses, RunOptions } from "../systems/system.ts";
import { Latencies } from "./latencies.ts";
import { CpuMeter, type CpuMs } from "./cpu_meter.ts";

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
    const cpu = await CpuMeter.begin(this.#processes);
    this.#latencies.clear();
    const startedAt = performance.now();
    const countBefore = this.#count;
    await work(startedAt, throughput);
    const delivered = this.#count - countBefore;
    const seconds = (performance.now() - startedAt) / 1000;
    const latencyMs = this.#latencies.summary();
    return {
      seconds: round(seconds),
      delivered,
      perSecond: Math.round(delivered / seconds),
      latencyMs,
      cpu: perThousand(await cpu.end(), delivered),
      ...(throughput.length > 0 && { throughput }),
    };
  }
}

/** Divides CPU by thousands of messages. */
function perThousand({ server, broker, database, driver, threads }: CpuMs, delivered: number): CpuPerThousand {
  const divide = (ms: number | undefined) =>
    ms === undefined || delivered === 0 ? undefined : round(ms / delivered * 1000);
  const byThread = threads.map(({ name, cpuMs }) => ({ name, ms: divide(cpuMs) ?? 0 }));
  return {
    server: divide(server),
    broker: divide(broker),
    database: divide(database),
    driver: divide(driver),
    ...(byThread.length > 0 && { threads: byThread }),
  };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
