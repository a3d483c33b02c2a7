/** Time and waiting, so that tests can set both. */
export interface Timers {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `run` once after `ms`, or after 2^31-1 ms where that is longer; the returned function cancels it, and does nothing later. */
  after(ms: number, run: () => void): () => void;
}

/** With more, `setTimeout` does not wait at all. */
const longestMs = 2 ** 31 - 1;

export const systemTimers: Timers = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, longestMs));
    return () => clearTimeout(timer);
  },
};
