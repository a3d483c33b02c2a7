import { ChatError } from "../core/chat_error.ts";
import { isLoopback } from "../host/loopback.ts";
import type { ServerOptions } from "./server_options.ts";
import type { TransportServer } from "./transport_server.ts";

/** @throws {ChatError} `permission_denied` if the network could read the metrics without `--insecure` */
export function refuseOpenMetrics({ metricsListen }: ServerOptions, servers: readonly TransportServer[]): void {
  if (metricsListen === undefined || isLoopback(metricsListen.host) || servers.some(({ insecure }) => insecure)) return;
  throw new ChatError(
    "permission_denied",
    `Listening on ${metricsListen.host} would show the metrics to everyone on the network, unencrypted: ` +
      "use --insecure if only authorized clients can reach it.",
  );
}
