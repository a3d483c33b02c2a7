/** Runs `run` with a signal that aborts after `ms` milliseconds, or with `parent`. */
export async function withDeadline<T>(
  { ms, parent }: { ms: number; parent: AbortSignal },
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), ms);
  try {
    return await run(AbortSignal.any([deadline.signal, parent]));
  } finally {
    clearTimeout(timer);
  }
}
