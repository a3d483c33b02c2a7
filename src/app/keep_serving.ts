import { Backoff } from "../client/backoff.ts";
import { type ChatError, toChatError } from "../core/chat_error.ts";
import type { Log } from "../core/log.ts";
import { pause } from "../core/pause.ts";

/** An open server, owned by its opener. */
export interface OpenServer {
  /** Resolves when the server serves for the first time. */
  readonly ready: Promise<void>;
  /** Rejects when the server cannot recover by itself. */
  readonly failed: Promise<never>;
  /** Whether it serves now. */
  readonly isServing: boolean;
  /** Whether its broker currently accepts no messages. */
  readonly isBlocked: boolean;
  stop(): Promise<void>;
  close(options: { deadlineMs: number }): Promise<void>;
}

export interface KeepServingOptions {
  /** The server's address for the log, such as "amqp://127.0.0.1:5672". */
  readonly at: string;
  readonly log: Log;
  /** A previous process has served it, so no failure to open it is final. */
  readonly again: boolean;
  /**
   * Opens the server. With `again`, after an earlier attempt, it may itself wait for its dependencies.
   * @throws {ChatError}
   */
  open(options: { again: boolean }): Promise<OpenServer>;
  /** The waits after `unavailable`; from 250 ms to 5 s unless given. */
  readonly backoff?: { readonly initialMs: number; readonly maxMs: number };
  /** The wait after a refusal, which the operator has to resolve, in milliseconds; a minute unless given. */
  readonly refusedMs?: number;
}

/**
 * Keeps a server open beside others that must not end because of it. The server is reopened whenever its broker becomes
 * available. Only a refusal at the first start is final, while the operator is watching; a later one is logged as an
 * error and retried every minute.
 * @throws {ChatError} the refusal at the first start
 */
export async function keepServing(options: KeepServingOptions): Promise<OpenServer> {
  const kept = new KeptServer(options);
  await kept.start();
  return kept;
}

class KeptServer implements OpenServer {
  readonly failed = new Promise<never>(() => {});
  readonly #options: KeepServingOptions;
  readonly #served = Promise.withResolvers<void>();
  readonly #stopped = new AbortController();
  readonly #reasons = new Set<string>();
  #server: OpenServer | undefined;
  #running: Promise<void> | undefined;

  constructor(options: KeepServingOptions) {
    this.#options = options;
  }

  get ready(): Promise<void> {
    return this.#served.promise;
  }

  get isServing(): boolean {
    return this.#server?.isServing ?? false;
  }

  get isBlocked(): boolean {
    return this.#server?.isBlocked ?? false;
  }

  async start(): Promise<void> {
    let failure: unknown;
    try {
      await this.#open(this.#options.again);
    } catch (error) {
      if (!this.#options.again && toChatError(error).code !== "unavailable") throw error;
      failure = await this.#open(true).catch((error) => error);
    }
    this.#running = this.#keepOpen(failure);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#server?.stop();
  }

  async close(options: { deadlineMs: number }): Promise<void> {
    this.#stopped.abort();
    await this.#server?.close(options);
    await this.#running;
    // Closes a server that was being opened meanwhile.
    await this.#server?.close(options);
  }

  async #open(again: boolean): Promise<void> {
    const { open, at, log } = this.#options;
    const server = await open({ again });
    this.#server = server;
    void server.ready.then(() => {
      log.info("transport serving", { at });
      this.#reasons.clear();
      this.#served.resolve();
    });
  }

  /** @param failure the error that prevented the server from opening; undefined if it is open */
  async #keepOpen(failure: unknown): Promise<void> {
    const { refusedMs = 60_000 } = this.#options;
    const { signal } = this.#stopped;
    const backoff = new Backoff(this.#options.backoff ?? { initialMs: 250, maxMs: 5_000 });
    for (;;) {
      let error = failure;
      failure = undefined;
      if (error === undefined) {
        error = await this.#waitForFailure();
        if (signal.aborted) return;
        await this.#server?.close({ deadlineMs: 0 });
        this.#server = undefined;
        backoff.reset();
      }
      const known = toChatError(error);
      this.#logFailure(known);
      if (!await pause(known.code === "unavailable" ? backoff.next() : refusedMs, signal)) return;
      failure = await this.#open(true).catch((error) => error);
    }
  }

  /** Returns the error that ends the open server; undefined if this one is stopped. */
  async #waitForFailure(): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { signal } = this.#stopped;
    signal.addEventListener("abort", () => resolve());
    if (signal.aborted) return undefined;
    try {
      return await Promise.race([this.#server?.failed, promise]);
    } catch (error) {
      return error;
    }
  }

  #logFailure({ code, message: reason, cause }: ChatError): void {
    const { log, at } = this.#options;
    if (code !== "unavailable") {
      const details = { at, reason, cause: code === "internal" ? cause : undefined };
      log.error("transport refused; retrying every minute while other transports keep serving", details);
    } else if (!this.#reasons.has(reason)) {
      log.warn("transport not available yet; retrying while other transports keep serving", { at, reason });
      this.#reasons.add(reason);
    }
  }
}
