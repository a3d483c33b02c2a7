/** The program, which says on stderr when `node:http2` begins a session in it, of either role. */
import { EventEmitter } from "node:events";

/** Begins each line about a session. */
const sessionMark = "node:http2 begins a session: ";

/** Each session is an emitter of events, however it was made. */
const emitter = EventEmitter as unknown as { init(this: object, ...rest: unknown[]): void };
const { init } = emitter;
emitter.init = function (this: object, ...rest) {
  const { name } = this.constructor;
  if (name.endsWith("Http2Session")) console.error(sessionMark + name);
  init.apply(this, rest);
};

if (import.meta.main) {
  if ("WorkerGlobalScope" in globalThis) {
    await (await import("../../../src/app/background_jobs.ts")).serveBackgroundJob();
  } else Deno.exit(await (await import("../../../src/cli/run.ts")).run(Deno.args));
}
