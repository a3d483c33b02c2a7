import { Backoff } from "../../client/backoff.ts";
import { calmLog } from "../../core/calm_log.ts";
import { type ChatError, toChatError } from "../../core/chat_error.ts";
import { pause } from "../../core/pause.ts";
import { BlockedConnections } from "../connection/blocked_connections.ts";
import { type BrokerAddress, type BrokerLogin, formatBroker } from "../connection/broker_address.ts";
import { ServingConnection, type ServingOptions } from "./serving_connection.ts";

export interface AmqpServerOptions extends ServingOptions {
  readonly broker: BrokerAddress;
  /** Of a user that may declare, read and write everything that begins with "chatd". */
  readonly login: BrokerLogin;
  /** PEM; trusted instead of the system's roots. */
  readonly ca?: string;
  /** People register over the broker: their messages come over another connection. */
  readonly registration: boolean;
  /** Keeps which of the server's connections are blocked, for an owner who asks before the server has started. */
  readonly blocked?: BlockedConnections;
  /**
   * This server has served before, in a process that died: what would keep a new one from starting (no broker, or the place
   * of the connection that died, which the broker has not missed yet) is waited for. No unless given.
   */
  readonly again?: boolean;
  /**
   * Finds out before it serves for the first time whether this broker can be served on. What is refused is final, but when it
   * serves `again` only after some tries: a broker that has just started may refuse what it takes a second later.
   * @throws {ChatError} `permission_denied` when it refuses, `unavailable`
   */
  inspect?(signal: AbortSignal): Promise<void>;
  /** How long the place of an earlier connection, which the broker has not missed yet, is waited for, in milliseconds; 45 s unless given. */
  readonly placeDeadlineMs?: number;
  /** Waits between tries to reach a broker that was lost; up to 5 s unless given. */
  readonly backoff?: { readonly initialMs: number; readonly maxMs: number };
}

/** A server on a broker. Owned by its opener. */
export interface AmqpServer {
  /** Resolves when it serves for the first time: at once, unless it serves again. */
  readonly ready: Promise<void>;
  /** Rejects when the server cannot go on: another took its place, or the broker does not let it in any more. */
  readonly failed: Promise<never>;
  /** Live sessions now. */
  readonly sessions: number;
  /** Requests are taken now: the broker is there, and this server was not stopped. */
  readonly isServing: boolean;
  /** The broker takes no messages, for lack of memory or disk. */
  readonly isBlocked: boolean;
  /** It takes none for lack of memory. */
  readonly lacksMemory: boolean;
  /** Takes no more requests; live sessions may still say what they have to say until {@link close}. */
  stop(): Promise<void>;
  /** Waits until the broker has what sessions said, for `deadlineMs` at most. Idempotent. */
  close(options: { deadlineMs: number }): Promise<void>;
}

const standardPlaceDeadlineMs = 45_000;
/** Tries of `inspect`, and the wait between them, in milliseconds. */
const inspections = 5;
const inspectionIntervalMs = 1_000;

/**
 * Serves over one connection to the broker. A connection that is lost later is made again, for as long as it takes.
 * @throws {ChatError} `unavailable` when no broker is there, `unauthenticated` and `permission_denied` when it does not let the
 * server in, `already_exists` when another server serves there; nothing when it serves `again`, where `failed` says it
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
    this.#running = this.#keepServing(this.#options.again ? undefined : await this.#connect());
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

  /** @param first undefined when there is none yet */
  async #keepServing(first: ServingConnection | undefined): Promise<void> {
    const { log, broker } = this.#options;
    const { signal } = this.#stopped;
    let serving = first ?? await this.#reconnect();
    if (serving !== undefined) this.#served.resolve();
    while (serving !== undefined) {
      const reason: ChatError = await serving.lost;
      if (signal.aborted) return;
      log.warn("the broker is lost; trying to reach it again", {
        broker: formatBroker(broker),
        reason: reason.message,
      });
      serving = await this.#reconnect();
      if (serving !== undefined) log.info("the broker is back", { broker: formatBroker(broker) });
    }
  }

  /** @returns undefined when the server was stopped, or cannot go on. */
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
        if (!reasons.has(message)) this.#options.log.warn("cannot serve yet; trying again", { reason: message });
        reasons.add(message);
      }
    }
    return undefined;
  }
}
