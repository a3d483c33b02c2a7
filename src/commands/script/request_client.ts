import type { ClientState, Consumer } from "../../app/client/client_state.ts";
import { waitAwake } from "../../client/awake_wait.ts";
import { ChatClient, type ClientEvent, restoredNote } from "../../client/chat_client.ts";
import { atHead } from "../../client/delivery_cursor.ts";
import { systemTimers } from "../../client/timers.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { HelloResponse } from "../../gen/chatd/v1/session.ts";
import { version } from "../../host/version.ts";
import type { ScriptConnection } from "./connection.ts";
import { tell } from "./output.ts";

export interface RequestClientOptions {
  /** How long to go on without a connection, in milliseconds awake; 0, the default, gives up at the first failure. */
  readonly patienceMs?: number;
  /** The log's incarnation at a position whose worth the hello is to tell. */
  readonly incarnation?: string;
}

/** Commands of one user that may be connected for a request at once; further ones wait for their turn. */
const maxAtOnce = 8;
const turnPatienceMs = 120_000;
const turnRetryMs = 50;

/**
 * Does something over a connection that only asks and sends: nothing is delivered to it, and it takes nothing from other consumers.
 * @throws {ChatError} why there was no connection, or what `work` throws
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
      // As if everything were known: then nothing is delivered.
      resume: epoch === undefined ? undefined : { epoch, incarnation, after: atHead },
      onEvent: (event) => {
        patience.heard(event);
        if (event.kind !== "state" || event.state.kind !== "online") return;
        // What was begun may rest on positions that mean nothing any more.
        if (wasOnline && event.state.restored) patience.giveUp(new ChatError("unavailable", restoredNote));
        online.resolve(event.state.hello);
      },
    });
    const stop = new AbortController();
    const running = client.run({ signal: stop.signal });
    const ended = Promise.race([running, patience.over]).then((error) => {
      throw error ?? new ChatError("unavailable", "The connection was closed.");
    });
    ended.catch(() => {});
    try {
      const hello = await Promise.race([online.promise, ended]);
      wasOnline = true;
      keepEpoch(state, hello.epoch);
      return await Promise.race([work(client, hello), ended]);
    } catch (error) {
      // What was begun is not begun again.
      if (wasOnline || !login.mayTryAgain(error, token)) throw error;
    } finally {
      patience.rest();
      stop.abort();
      await running;
    }
  }
}

/** A consumer of its own for each command that runs at the same time, but not many: a device has 32. */
async function takeTurn(state: ClientState): Promise<Consumer> {
  for (const deadline = performance.now() + turnPatienceMs;;) {
    const consumer = state.tryConsumer("script", { most: maxAtOnce });
    if (consumer !== undefined) return consumer;
    if (performance.now() >= deadline) {
      throw new ChatError("busy", `${maxAtOnce} commands of this user are already connected: stop one of them.`);
    }
    await new Promise((resolve) => setTimeout(resolve, turnRetryMs));
  }
}

function keepEpoch(state: ClientState, epoch: string): void {
  if (state.read().epoch === epoch) return;
  state.update((saved) => ({ ...saved, epoch, positions: {}, incarnations: {}, unfinished: {} }));
}

/** Tells when there was no connection for too long, and people why there is none. */
class Patience {
  /** Rejects when it is over. */
  readonly over: Promise<never>;
  readonly #ms: number;
  readonly #end: (reason: ChatError) => void;
  #cancel: (() => void) | undefined;
  #reason = new ChatError("unavailable", "The server cannot be reached.");
  #told: string | undefined;

  constructor(ms: number) {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.over = promise;
    this.#end = reject;
    this.#ms = ms;
    if (ms > 0) this.#wait();
  }

  heard(event: ClientEvent): void {
    if (event.kind !== "state") return;
    if (event.state.kind === "online" || event.state.kind === "ended") return this.rest();
    if (event.state.kind !== "offline") return;
    this.#reason = event.state.reason;
    if (this.#ms === 0) return this.#end(this.#reason);
    if (this.#told !== this.#reason.message) tell(`${this.#reason.message} Trying again.`);
    this.#told = this.#reason.message;
    this.#wait();
  }

  giveUp(reason: ChatError): void {
    this.#end(reason);
  }

  rest(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #wait(): void {
    this.#cancel ??= waitAwake(systemTimers, this.#ms, () => this.#end(this.#reason));
  }
}
