/** The clock and the timers of a client, which tests replace. */
export interface Timers {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `run` once after `ms`, at most 2^31-1 ms. The returned function cancels that, and does nothing afterwards. */
  after(ms: number, run: () => void): () => void;
}

/** The longest wait of `setTimeout`: beyond, it does not wait at all. */
const longestMs = 2 ** 31 - 1;

export const systemTimers: Timers = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, longestMs));
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or as soon as one of the signals aborts. */
export async function wait(timers: Timers, ms: number, ...signals: (AbortSignal | undefined)[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  const cancel = timers.after(ms, end);
  for (const signal of signals) signal?.addEventListener("abort", end);
  if (signals.some((signal) => signal?.aborted)) end();
  await promise;
  cancel();
  for (const signal of signals) signal?.removeEventListener("abort", end);
}
