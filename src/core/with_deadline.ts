/** Runs `run` with a signal that aborts after `ms` milliseconds, or with `parent` if there is one. */
export async function withDeadline<T>(
  { ms, parent }: { ms: number; parent?: AbortSignal },
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), ms);
  try {
    return await run(parent === undefined ? deadline.signal : AbortSignal.any([deadline.signal, parent]));
  } finally {
    clearTimeout(timer);
  }
}
