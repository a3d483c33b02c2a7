import { exitCode } from "../exit_code.ts";

/** Aborts on the first signal to terminate; a second one exits at once. */
export function stopOnSignals(): Disposable & { readonly signal: AbortSignal } {
  const stop = new AbortController();
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM", "SIGHUP"];
  const onSignal = () => stop.signal.aborted ? Deno.exit(exitCode.interrupted) : stop.abort();
  for (const signal of signals) Deno.addSignalListener(signal, onSignal);
  return {
    signal: stop.signal,
    [Symbol.dispose]: () => signals.forEach((signal) => Deno.removeSignalListener(signal, onSignal)),
  };
}
