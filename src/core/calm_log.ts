import type { Log } from "./log.ts";
import { TokenBuckets } from "./token_bucket.ts";

/** Lines of one event: ten at once, then one in ten seconds. */
const lines = { burst: 10, perSecond: 0.1 };

/**
 * Wraps a log to limit warnings and errors that clients can provoke; each line says how many of its event were dropped.
 */
export function calmLog(log: Log, now: () => number = () => performance.now()): Log {
  const buckets = new TokenBuckets({ ...lines, maxKeys: 100 });
  const leftOut = new Map<string, number>();
  const calm = (level: "warn" | "error") => (event: string, details?: Record<string, unknown>) => {
    const key = `${level} ${event}`;
    const count = leftOut.get(key) ?? 0;
    if (buckets.take(key, now()) > 0) return void leftOut.set(key, count + 1);
    leftOut.delete(key);
    log[level](event, count === 0 ? details : { ...details, leftOut: count });
  };
  return { info: (event, details) => log.info(event, details), warn: calm("warn"), error: calm("error") };
}
