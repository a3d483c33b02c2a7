import { pause } from "./pause.ts";

/** How long one step may keep others waiting, in milliseconds, as far as it depends on its size. */
const turnMs = 8;
const fewest = 8;
const most = 256;
/** Others get this many times as long as a step took. */
const restFactor = 4;
const leastRestMs = 20;

/**
 * Does work that nobody waits for in steps so small, and so far apart, that what people do goes on beside it: it takes about a fifth of the
 * time, however slow the disk is.
 * @param step does at most `limit` of it, and says how many; 0 when nothing is left.
 * @returns how many were done, also when `signal` ends it before.
 */
export async function inSmallSteps(step: (limit: number) => Promise<number>, signal: AbortSignal): Promise<number> {
  let done = 0;
  for (let limit = fewest; !signal.aborted;) {
    const start = performance.now();
    const count = await step(limit);
    const ms = performance.now() - start;
    done += count;
    if (count === 0) break;
    if (ms > turnMs) limit = Math.max(fewest, Math.floor(limit / 2));
    else if (ms < turnMs / 2) limit = Math.min(most, limit * 2);
    if (!await pause(Math.max(leastRestMs, restFactor * ms), signal)) break;
  }
  return done;
}
