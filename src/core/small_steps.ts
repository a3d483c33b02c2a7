import { pause } from "./pause.ts";

/** Target duration of a step, in milliseconds, as far as its size determines it. */
const turnMs = 8;
const fewest = 8;
const most = 256;
/** Rest after a step, as a multiple of its duration. */
const restFactor = 4;
const leastRestMs = 20;

/**
 * Runs background work in small steps with pauses that leave about four fifths of the time to others, however slow the
 * disk is.
 * @param step does at most `limit` of the work and returns the amount done; 0 when none is left
 * @returns the total amount, also when `signal` ends it early
 *
 * @example
 * ```ts
 * const paths = ["a.tmp", "b.tmp"];
 * const remove = async (limit: number) => {
 *   const due = paths.splice(0, limit);
 *   for (const path of due) await Deno.remove(path);
 *   return due.length;
 * };
 * const removed = await inSmallSteps(remove, AbortSignal.timeout(60_000));
 * ```
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
