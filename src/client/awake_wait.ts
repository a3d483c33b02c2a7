import type { Timers } from "./timers.ts";

/** The most that one sleep of the machine counts, in milliseconds. */
const sliceMs = 1_000;

/**
 * Runs `run` once after `ms` milliseconds without the sleep of the machine: a client that wakes has all its time to
 * reach the server. Returns the function that cancels it.
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
