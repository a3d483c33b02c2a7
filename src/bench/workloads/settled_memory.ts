import type { MeasuredProcesses } from "../systems/system.ts";
import { usageOf } from "./process_usage.ts";

const sampleMs = 500;
/** Samples without a new minimum after which garbage counts as collected. */
const calmSamples = 12;
const longestSamples = 60;

export interface SettledMemory {
  readonly server?: number;
  readonly broker?: number;
}

/**
 * Measures the least memory of idle processes, in bytes: samples until the minimum has not changed for six seconds, in
 * which idle garbage collectors run.
 */
export async function settledMemory({ server, broker }: MeasuredProcesses): Promise<SettledMemory> {
  const [ofServer, ofBroker] = await Promise.all([server, broker].map((pid) => pid && leastMemory(pid)));
  return { server: ofServer || undefined, broker: ofBroker || undefined };
}

async function leastMemory(pid: number): Promise<number | undefined> {
  let least: number | undefined;
  for (let samples = 0, calm = 0; samples < longestSamples && calm < calmSamples; samples++, calm++) {
    const usage = await usageOf(pid);
    if (usage === undefined) return undefined;
    if (least === undefined || usage.memoryBytes < 0.995 * least) calm = 0;
    least = Math.min(least ?? usage.memoryBytes, usage.memoryBytes);
    await new Promise((resolve) => setTimeout(resolve, sampleMs));
  }
  return least;
}
