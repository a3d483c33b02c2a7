import { setLogger } from "@grpc/grpc-js";
import type { Log } from "../core/log.ts";

/** Errors are logged no more often than this, in milliseconds: any peer can cause some with a header. */
const logIntervalMs = 10_000;
const maxLength = 200;

/**
 * Has grpc-js write to `log`, for the whole process: by itself it writes to the console, and waits for its reader. Values of
 * headers are left out, for they may be secret. What it traces on demand (`GRPC_TRACE`) is written as it is.
 */
export function logLibraryMessages(log: Log, now: () => number = () => performance.now()): void {
  let count = 0;
  let loggedAt = -Infinity;
  const error = (message: unknown) => {
    count += 1;
    if (now() - loggedAt < logIntervalMs) return;
    log.warn("grpc-js reports an error", { message: withoutValue(String(message)).slice(0, maxLength), count });
    loggedAt = now();
    count = 0;
  };
  const trace = (message: unknown) => log.info("grpc-js traces", { message: String(message) });
  setLogger({ error, info: trace, debug: trace });
}

/** As `Metadata.fromHttp2Headers` of grpc-js 1.14 words it. */
function withoutValue(message: string): string {
  return message.replace(/^(Failed to add metadata entry [^:]*):.*/s, "$1");
}
