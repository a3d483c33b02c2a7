import { ShutdownSignals } from "../host/shutdown_signals.ts";
import { Reload, type ReloadOptions } from "../host/supervisor/reload.ts";
import { RenewalOrders } from "../host/supervisor/renewal_orders.ts";
import type { Listening } from "../host/supervisor/supervisor_link.ts";
import type { Orders } from "./transport_server.ts";

export interface ServeAloneOptions extends Pick<Orders, "log" | "port">, Pick<ReloadOptions, "check" | "startFiles"> {
  /** Serves until its orders resolve `stop`. @throws {ChatError} if it cannot start or continue */
  serve(orders: Orders): Promise<void>;
  /** Called once, when the server is ready for clients. */
  onListening(listening: Listening): void;
}

/**
 * Serves without a supervisor, in this process, until a signal arrives. SIGHUP reloads the certificates or, if a start
 * file has changed, restarts the server on the same port.
 * @throws {ChatError} if it cannot start or continue
 */
export async function serveAlone(
  { log, port, check, startFiles, serve, onListening }: ServeAloneOptions,
): Promise<void> {
  using signals = new ShutdownSignals({ onSecond: () => log.flush() });
  const hungUp = Promise.withResolvers<string>();
  const renewals = new RenewalOrders();
  let restart = Promise.withResolvers<string>();
  using _reload = new Reload({
    log,
    startFiles,
    check,
    onRestart: () => restart.resolve("SIGHUP"),
    onRenew: () => renewals.give(),
    onHangup: () => hungUp.resolve("the terminal is gone"),
  });
  const over = Promise.race([signals.first, hungUp.promise]);
  let isOver = false;
  void over.then(() => isOver = true);
  for (let again = false; !isOver; again = true) {
    startFiles.remember();
    const stop = Promise.race([over, restart.promise]);
    const served = (listening: Listening) => {
      port = listening.port;
      if (again) log.info(listening.isStandby ? "standing by again" : "serving again", { port });
      else onListening(listening);
    };
    await serve({ log, port, again, stop, renewals, onListening: served });
    restart = Promise.withResolvers();
  }
}
