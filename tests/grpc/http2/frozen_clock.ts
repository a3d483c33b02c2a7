/** Runs a function while `performance.now()` stands still. */
export function withFrozenClock(act: () => void): void {
  const at = performance.now();
  const { now } = performance;
  performance.now = () => at;
  try {
    act();
  } finally {
    performance.now = now;
  }
}
