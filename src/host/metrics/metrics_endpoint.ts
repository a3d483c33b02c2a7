import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ChatError } from "../../core/chat_error.ts";
import { listenReason } from "../../core/system_error.ts";
import type { Log } from "../../core/log.ts";
import type { Metrics } from "../../core/metrics.ts";
import { formatHostPort, type HostPort } from "../host_port.ts";
import { PrometheusMetrics, type Watched } from "./prometheus_metrics.ts";

export interface MetricsEndpointOptions {
  /** Port 0 lets the system choose. */
  readonly listen: HostPort;
  readonly log: Log;
}

/** Monitoring needs few connections. */
const maxConnections = 64;
const arrivalTimeoutMs = 5_000;
const metricsType = "text/plain; version=0.0.4; charset=utf-8";

interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly text: string;
}

/**
 * An HTTP server for metrics and health: `/metrics`, `/healthz` (the process answers) and `/readyz` (all transports serve
 * clients; otherwise 503, with a line for each problem), or `/readyz/NAME` (that transport). The caller of {@link open} closes it.
 */
export class MetricsEndpoint {
  /** The port that it listens on, also when the system chose it. */
  readonly port: number;
  readonly #metrics: PrometheusMetrics;
  readonly #server: Server;
  #watched: Watched | undefined;
  /** Why the server is not ready. */
  #standby = "starting";
  #stopping = false;

  private constructor(server: Server, metrics: PrometheusMetrics, { listen, log }: MetricsEndpointOptions) {
    this.#server = server;
    this.#metrics = metrics;
    this.port = (server.address() as AddressInfo).port;
    server.on("request", (request, response) => void this.#answer(request, response));
    log.info("metrics are shown", { at: `http://${formatHostPort({ ...listen, port: this.port })}/metrics` });
  }

  /**
   * Starts to listen; the server is not ready until {@link serving}.
   * @throws {ChatError} `unavailable` when the address cannot be used
   */
  static async open(options: MetricsEndpointOptions): Promise<MetricsEndpoint> {
    const server = createServer({
      headersTimeout: arrivalTimeoutMs,
      requestTimeout: arrivalTimeoutMs,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 8 * 1024,
    });
    server.maxConnections = maxConnections;
    server.on("clientError", (_error, socket) => socket.destroy());
    await listen(server, options.listen);
    return new MetricsEndpoint(server, new PrometheusMetrics(), options);
  }

  /** The counters for the server. */
  get metrics(): Metrics {
    return this.#metrics;
  }

  /** Reports that the server waits for another one, which serves: a line for people. */
  standingBy(reason: string): void {
    this.#standby = reason;
  }

  /** Reports that the store is open and the transports listen. */
  serving(watched: Watched): void {
    this.#watched = watched;
    this.#metrics.watch(watched);
  }

  /** Reports that the server is not ready any more. */
  stopping(): void {
    this.#stopping = true;
  }

  /** Stops listening, and closes open connections at once. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
    this.#metrics[Symbol.dispose]();
  }

  async #answer({ method, url = "" }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type = "text/plain; charset=utf-8", text } = await this.#find(method, url.split("?")[0]);
    // Idle connections are not kept.
    response.writeHead(status, { "content-type": type, connection: "close" });
    response.end(method === "HEAD" ? undefined : text);
  }

  async #find(method: string | undefined, path: string): Promise<Answer> {
    if (method !== "GET" && method !== "HEAD") return { status: 405, text: "only GET\n" };
    if (path === "/healthz") return { status: 200, text: "ok\n" };
    const [isReadiness, transport] = /^\/readyz(?:\/(\w+))?$/.exec(path) ?? [];
    if (isReadiness !== undefined) return this.#readiness(transport);
    if (path !== "/metrics") return { status: 404, text: "/metrics, /healthz and /readyz are here\n" };
    await this.#metrics.refresh();
    return { status: 200, type: metricsType, text: this.#metrics.text() };
  }

  /** @param transport the name of the only transport that counts; all unless given */
  #readiness(transport?: string): Answer {
    const problems = this.#findProblems(transport);
    if (problems.length === 0) return { status: 200, text: "ready\n" };
    return { status: 503, text: problems.map((problem) => `${problem}\n`).join("") };
  }

  #findProblems(transport?: string): string[] {
    if (this.#stopping) return ["stopping"];
    if (this.#watched === undefined) return [this.#standby];
    const transports = this.#watched.transports.filter(({ name }) => transport === undefined || name === transport);
    if (transports.length === 0) return [`${transport} is not served`];
    return transports.filter(({ isUp }) => !isUp)
      .map(({ name, isBlocked }) => isBlocked ? `${name} is blocked: the broker takes no messages` : `${name} is down`);
  }
}

function listen(server: Server, { host, port }: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `Cannot listen on ${host} port ${port} for metrics: ${listenReason(cause)}.`;
      reject(new ChatError("unavailable", message, { cause }));
    });
    server.listen(port, host, () => resolve());
  });
}
