import { Reload, type ReloadOptions } from "./reload.ts";
import type { Orders } from "./run_server.ts";
import { ShutdownSignals } from "./shutdown_signals.ts";

export interface ServeAloneOptions extends Pick<Orders, "log" | "port">, Pick<ReloadOptions, "check"> {
  /** Serves until its orders say stop. @throws {ChatError} when it cannot start or go on */
  serve(orders: Orders): Promise<void>;
  /** Called once, when clients are served. */
  onListening(port: number): void;
}

/**
 * Serves without a supervisor, in this process, until a signal ends it. After each SIGHUP it serves anew, on the same port and with
 * the certificates as they are then.
 * @throws {ChatError} when it cannot start or go on
 */
export async function serveAlone({ log, port, check, serve, onListening }: ServeAloneOptions): Promise<void> {
  using signals = new ShutdownSignals({ onSecond: () => log.flush() });
  const hungUp = Promise.withResolvers<string>();
  let reload = Promise.withResolvers<string>();
  using _reload = new Reload({
    log,
    check,
    onReload: () => reload.resolve("SIGHUP"),
    onHangup: () => hungUp.resolve("the terminal is gone"),
  });
  const over = Promise.race([signals.first, hungUp.promise]);
  let isOver = false;
  void over.then(() => isOver = true);
  for (let again = false; !isOver; again = true) {
    const stop = Promise.race([over, reload.promise]);
    const served = (found: number) => {
      port = found;
      if (again) log.info("serving again", { port });
      else onListening(port);
    };
    await serve({ log, port, again, stop, onListening: served });
    reload = Promise.withResolvers();
  }
}
