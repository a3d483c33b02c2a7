import { Backoff } from "../../client/backoff.ts";
import { calmLog } from "../../core/calm_log.ts";
import { type ChatError, toChatError } from "../../core/chat_error.ts";
import { pause } from "../../core/pause.ts";
import { BlockedConnections } from "../connection/blocked_connections.ts";
import { type BrokerAddress, type BrokerLogin, formatBroker } from "../connection/broker_address.ts";
import { ServingConnection, type ServingOptions } from "./serving_connection.ts";

export interface AmqpServerOptions extends ServingOptions {
  readonly broker: BrokerAddress;
  /** A user that may configure, write and read everything whose name starts with "chatd". */
  readonly login: BrokerLogin;
  /** PEM certificates that replace the system's roots. */
  readonly ca?: string;
  /** Whether users register over the broker; their messages use a separate connection. */
  readonly registration: boolean;
  /** Tracks which of the server's connections are blocked, for an owner that needs it before the server has started. */
  readonly blocked?: BlockedConnections;
  /**
   * Whether this server replaces a process that died: it then waits for problems that would otherwise prevent a start,
   * such as a missing broker, or the dead process's connection that the broker still considers open. False unless
   * given.
   */
  readonly isRestart?: boolean;
  /**
   * Checks before the first start whether this broker is suitable. A refusal is final, except with `isRestart`, where
   * it is after a few attempts: a broker that just started may refuse requests that it accepts a second later.
   * @throws {ChatError} `permission_denied` when it is not; `unavailable`
   */
  inspect?(signal: AbortSignal): Promise<void>;
  /** Longest wait for the broker to drop an earlier connection, in milliseconds; 45 s unless given. */
  readonly placeDeadlineMs?: number;
  /** Waits between attempts to reach a lost broker; up to 5 s unless given. */
  readonly backoff?: { readonly initialMs: number; readonly maxMs: number };
}

/** A server on a broker. Closed by its opener. */
export interface AmqpServer {
  /** Resolves when it first serves: at once, unless started with `isRestart`. */
  readonly ready: Promise<void>;
  /** Rejects when the server cannot continue: another one took its place, or the broker no longer admits it. */
  readonly failed: Promise<never>;
  /** Number of live sessions. */
  readonly sessions: number;
  /** Whether requests are accepted: the broker is connected, and this server was not stopped. */
  readonly isServing: boolean;
  /** Whether the broker accepts no messages, for lack of memory or disk. */
  readonly isBlocked: boolean;
  /** Whether it accepts none for lack of memory. */
  readonly lacksMemory: boolean;
  /** Accepts no more requests; live sessions may still send until {@link close}. */
  stop(): Promise<void>;
  /** Waits until the broker has the messages of sessions, for at most `deadlineMs`. Idempotent. */
  close(options: { deadlineMs: number }): Promise<void>;
}

const standardPlaceDeadlineMs = 45_000;
/** Attempts of `inspect`, and the wait between them, in milliseconds. */
const inspections = 5;
const inspectionIntervalMs = 1_000;

/**
 * Starts a server over one connection to the broker, and reconnects whenever it is lost.
 * @throws {ChatError} `unavailable` without a broker; `unauthenticated` and `permission_denied` when it does not admit
 * the server; `already_exists` when another server uses it. With `isRestart`, `failed` rejects instead
 *
 * @example
 * ```ts
 * // Serves until the broker no longer admits the server.
 * async function serve(options: AmqpServerOptions): Promise<void> {
 *   const server = await startAmqpServer(options);
 *   await server.failed.finally(() => server.close({ deadlineMs: 2_000 }));
 * }
 * ```
 */
export async function startAmqpServer(options: AmqpServerOptions): Promise<AmqpServer> {
  const server = new Server(options);
  await server.start();
  return server;
}

class Server implements AmqpServer {
  readonly failed: Promise<never>;
  readonly ready: Promise<void>;
  readonly #options: AmqpServerOptions;
  readonly #blocked: BlockedConnections;
  readonly #served = Promise.withResolvers<void>();
  readonly #failure = Promise.withResolvers<never>();
  readonly #stopped = new AbortController();
  #serving: ServingConnection | undefined;
  #isInspected = false;
  #running: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: AmqpServerOptions) {
    this.#options = { ...options, log: calmLog(options.log) };
    this.#blocked = options.blocked ?? new BlockedConnections();
    this.failed = this.#failure.promise;
    this.failed.catch(() => {});
    this.ready = this.#served.promise;
  }

  get sessions(): number {
    return this.#serving?.sessions ?? 0;
  }

  get isServing(): boolean {
    return !this.#stopped.signal.aborted && !this.isBlocked && this.#serving !== undefined && this.#serving.isServing;
  }

  get isBlocked(): boolean {
    return this.#blocked.isBlocked;
  }

  get lacksMemory(): boolean {
    return this.#blocked.lacksMemory;
  }

  async start(): Promise<void> {
    this.#running = this.#keepServing(this.#options.isRestart ? undefined : await this.#connect());
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#serving?.stop();
  }

  close(options: { deadlineMs: number }): Promise<void> {
    return this.#closed ??= this.#close(options);
  }

  async #close(options: { deadlineMs: number }): Promise<void> {
    this.#stopped.abort();
    await this.#serving?.close(options);
    await this.#running;
  }

  async #connect(): Promise<ServingConnection> {
    const { broker, login, ca, inspect, log, registration } = this.#options;
    if (!this.#isInspected) await inspect?.(this.#stopped.signal);
    this.#isInspected = true;
    const open = (name: string, signal: AbortSignal) => this.#blocked.open({ broker, login, ca, name, signal, log });
    const connection = await open("chatd server", this.#stopped.signal);
    const connectForReplies = (signal: AbortSignal) => open("chatd server, replies", signal);
    const connectForRegistrations = registration
      ? (signal: AbortSignal) => open("chatd server, registrations", signal)
      : undefined;
    const stale = this.#serving?.queues ?? [];
    const options = { ...this.#options, stale, connectForReplies, connectForRegistrations };
    const serving = await ServingConnection.open(connection, options);
    if (this.#stopped.signal.aborted) await serving.close({ deadlineMs: 0 });
    return this.#serving = serving;
  }

  /** Serves until the server is stopped. @param first undefined when there is no connection yet */
  async #keepServing(first: ServingConnection | undefined): Promise<void> {
    const { log, broker } = this.#options;
    const { signal } = this.#stopped;
    let serving = first ?? await this.#reconnect();
    if (serving !== undefined) this.#served.resolve();
    while (serving !== undefined) {
      const reason: ChatError = await serving.lost;
      if (signal.aborted) return;
      log.warn("lost the broker; reconnecting", {
        broker: formatBroker(broker),
        reason: reason.message,
      });
      serving = await this.#reconnect();
      if (serving !== undefined) log.info("reconnected to the broker", { broker: formatBroker(broker) });
    }
  }

  /** Reconnects until it succeeds. @returns undefined when the server was stopped or cannot continue */
  async #reconnect(): Promise<ServingConnection | undefined> {
    const backoff = new Backoff(this.#options.backoff ?? { initialMs: 250, maxMs: 5_000 });
    const { signal } = this.#stopped;
    const { placeDeadlineMs = standardPlaceDeadlineMs } = this.#options;
    let takenSince: number | undefined;
    let refusals = 0;
    let waitMs = backoff.next();
    const reasons = new Set<string>();
    while (await pause(waitMs, signal)) {
      waitMs = backoff.next();
      try {
        return await this.#connect();
      } catch (error) {
        if (signal.aborted) return undefined;
        const { code, message } = toChatError(error);
        if (code === "already_exists") takenSince ??= performance.now();
        const isTaken = takenSince !== undefined && performance.now() - takenSince > placeDeadlineMs;
        const isRefused = code === "unauthenticated" || code === "permission_denied";
        if (isRefused) waitMs = inspectionIntervalMs;
        if (isTaken || (isRefused && (this.#isInspected || ++refusals >= inspections))) {
          this.#failure.reject(error);
          return undefined;
        }
        if (!reasons.has(message)) this.#options.log.warn("cannot serve yet; retrying", { reason: message });
        reasons.add(message);
      }
    }
    return undefined;
  }
}
