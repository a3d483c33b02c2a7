import type { Timers } from "./timers.ts";

/** Most that one sleep of the machine counts for, in milliseconds. */
const sliceMs = 1_000;

/**
 * Runs `run` once after `ms` milliseconds in which the process could run: the sleep of a laptop does not count, and a
 * client that wakes has all of its time to reach the server. Returns the function that cancels it.
 */
export function waitAwake(timers: Timers, ms: number, run: () => void): () => void {
  let leftMs = ms;
  const wait = (): () => void => {
    const slice = Math.min(leftMs, sliceMs);
    return timers.after(slice, () => {
      leftMs -= slice;
      if (leftMs > 0) cancel = wait();
      else run();
    });
  };
  let cancel = wait();
  return () => cancel();
}
