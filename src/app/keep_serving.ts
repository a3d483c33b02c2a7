import { Backoff } from "../client/backoff.ts";
import { type ChatError, toChatError } from "../core/chat_error.ts";
import type { Log } from "../core/log.ts";
import { pause } from "../core/pause.ts";

/** A server as one of its kind opens it. Owned by its opener. */
export interface OpenServer {
  /** Resolves when it serves for the first time. */
  readonly ready: Promise<void>;
  /** Rejects when it cannot go on by itself. */
  readonly failed: Promise<never>;
  /** It serves now. */
  readonly isServing: boolean;
  /** The broker takes no messages now. */
  readonly isBlocked: boolean;
  stop(): Promise<void>;
  close(options: { deadlineMs: number }): Promise<void>;
}

export interface KeepServingOptions {
  /** What is served there, for the log: "amqp://127.0.0.1:5672". */
  readonly at: string;
  readonly log: Log;
  /** It was served already, by a process that died: nothing that keeps it from opening is final. */
  readonly again: boolean;
  /** `again`: it was served before, or at least tried; then it may wait by itself for what it needs. @throws {ChatError} */
  open(options: { again: boolean }): Promise<OpenServer>;
  /** Waits after something that was not there; from 250 ms to 5 s unless given. */
  readonly backoff?: { readonly initialMs: number; readonly maxMs: number };
  /** The wait after a refusal, which somebody has to change something about; a minute unless given, in milliseconds. */
  readonly refusedMs?: number;
}

/**
 * Keeps a server open beside others that must not end because of it. What it needs may be missing when it starts, and may
 * come and go: it is opened whenever that is there. Only a refusal at the first start is final, while somebody looks; a
 * later one is an error in the log, and is tried again every minute.
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
    this.#running = this.#keep(failure);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#server?.stop();
  }

  async close(options: { deadlineMs: number }): Promise<void> {
    this.#stopped.abort();
    await this.#server?.close(options);
    await this.#running;
    // One that was being opened meanwhile.
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

  /** @param failure why there is no server yet; undefined when there is one */
  async #keep(failure: unknown): Promise<void> {
    const { refusedMs = 60_000 } = this.#options;
    const { signal } = this.#stopped;
    const backoff = new Backoff(this.#options.backoff ?? { initialMs: 250, maxMs: 5_000 });
    for (;;) {
      let error = failure;
      failure = undefined;
      if (error === undefined) {
        error = await this.#failure();
        if (signal.aborted) return;
        await this.#server?.close({ deadlineMs: 0 });
        this.#server = undefined;
        backoff.reset();
      }
      const known = toChatError(error);
      this.#tell(known);
      if (!await pause(known.code === "unavailable" ? backoff.next() : refusedMs, signal)) return;
      failure = await this.#open(true).catch((error) => error);
    }
  }

  /** What ends the server that is open; undefined when this one is stopped. */
  async #failure(): Promise<unknown> {
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

  #tell({ code, message: reason, cause }: ChatError): void {
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
