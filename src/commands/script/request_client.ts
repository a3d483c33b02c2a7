import type { ClientState, Consumer } from "../../app/client/client_state.ts";
import { waitAwake } from "../../client/awake_wait.ts";
import { ChatClient, type ClientEvent, restoredNote } from "../../client/chat_client.ts";
import { atHead } from "../../client/delivery_cursor.ts";
import { systemTimers } from "../../client/timers.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { HelloResponse } from "../../gen/chatd/v1/session.ts";
import { version } from "../../host/version.ts";
import type { ScriptConnection } from "./connection.ts";
import { printNotice } from "./output.ts";

export interface RequestClientOptions {
  /**
   * How long to retry without a connection, in milliseconds awake; 0, the default, gives up after the first failure.
   */
  readonly patienceMs?: number;
  /** The log's incarnation of a position that the server validates in its hello. */
  readonly incarnation?: string;
}

/** How many commands of one user may be connected for a request at once; others wait for their turn. */
const maxConcurrent = 8;
const turnPatienceMs = 120_000;
const turnRetryMs = 50;

/**
 * Runs `work` over a connection for requests only, without deliveries, so it takes no messages from other consumers.
 * @throws {ChatError} if there is no connection; also rethrows errors of `work`
 *
 * @example
 * ```ts
 * import { openConnection } from "./connection.ts";
 *
 * const connection = await openConnection({ profile: "default" });
 * const { users } = await withClient(connection, (client) => client.listUsers({ after: "" }));
 * ```
 */
export async function withClient<T>(
  connection: ScriptConnection,
  work: (client: ChatClient, hello: HelloResponse) => Promise<T>,
  { patienceMs = 0, incarnation }: RequestClientOptions = {},
): Promise<T> {
  const { login, state, transport } = connection;
  using consumer = await takeTurn(state);
  for (;;) {
    const token = await login.token();
    const online = Promise.withResolvers<HelloResponse>();
    online.promise.catch(() => {});
    const patience = new Patience(patienceMs);
    const { epoch } = state.read();
    let wasOnline = false;
    const client = new ChatClient({
      transport,
      token,
      client: `chatd/${version}`,
      consumer: consumer.name,
      // Resumes at the head, so nothing is delivered.
      resume: epoch === undefined ? undefined : { epoch, incarnation, after: atHead },
      onEvent: (event) => {
        patience.onEvent(event);
        if (event.kind !== "state" || event.state.kind !== "online") return;
        // The work may depend on positions that are no longer valid.
        if (wasOnline && event.state.restored) patience.giveUp(new ChatError("unavailable", restoredNote));
        online.resolve(event.state.hello);
      },
    });
    const stop = new AbortController();
    const running = client.run({ signal: stop.signal });
    const ended = Promise.race([running, patience.expired]).then((error) => {
      throw error ?? new ChatError("unavailable", "The connection was closed.");
    });
    ended.catch(() => {});
    try {
      const hello = await Promise.race([online.promise, ended]);
      wasOnline = true;
      saveEpoch(state, hello.epoch);
      return await Promise.race([work(client, hello), ended]);
    } catch (error) {
      // Work that has begun is not repeated.
      if (wasOnline || !login.canRetry(error, token)) throw error;
    } finally {
      patience.cancel();
      stop.abort();
      await running;
    }
  }
}

/** Takes a consumer for this command alone, out of a few: a device has 32. */
async function takeTurn(state: ClientState): Promise<Consumer> {
  for (const deadline = performance.now() + turnPatienceMs;;) {
    const consumer = state.tryConsumer("script", { most: maxConcurrent, unlocked: true });
    if (consumer !== undefined) return consumer;
    if (performance.now() >= deadline) {
      throw new ChatError("busy", `${maxConcurrent} commands of this user are already connected: stop one of them.`);
    }
    await new Promise((resolve) => setTimeout(resolve, turnRetryMs));
  }
}

function saveEpoch(state: ClientState, epoch: string): void {
  if (state.read().epoch === epoch) return;
  state.tryUpdate((saved) => ({ ...saved, epoch, positions: {}, incarnations: {}, unfinished: {} }));
}

/** Limits the time without a connection, and reports on stderr why there is none. */
class Patience {
  /** Rejects when the time is over. */
  readonly expired: Promise<never>;
  readonly #ms: number;
  readonly #end: (reason: ChatError) => void;
  #cancel: (() => void) | undefined;
  #reason = new ChatError("unavailable", "The server cannot be reached.");
  #lastNotice: string | undefined;

  constructor(ms: number) {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.expired = promise;
    this.#end = reject;
    this.#ms = ms;
    if (ms > 0) this.#wait();
  }

  onEvent(event: ClientEvent): void {
    if (event.kind !== "state") return;
    if (event.state.kind === "online" || event.state.kind === "ended") return this.cancel();
    if (event.state.kind !== "offline") return;
    this.#reason = event.state.reason;
    if (this.#ms === 0) return this.#end(this.#reason);
    if (this.#lastNotice !== this.#reason.message) printNotice(`${this.#reason.message} Trying again.`);
    this.#lastNotice = this.#reason.message;
    this.#wait();
  }

  giveUp(reason: ChatError): void {
    this.#end(reason);
  }

  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #wait(): void {
    this.#cancel ??= waitAwake(systemTimers, this.#ms, () => this.#end(this.#reason));
  }
}
