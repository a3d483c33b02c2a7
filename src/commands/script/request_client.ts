import type { ClientState, Consumer } from "../../app/client/client_state.ts";
import type { Login } from "../../app/client/saved_login.ts";
import { ChatClient, restoredNote } from "../../client/chat_client.ts";
import { atHead } from "../../client/delivery_cursor.ts";
import { systemTimers, wait } from "../../client/timers.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { HelloResponse } from "../../gen/chatd/v1/session.ts";
import { version } from "../../host/version.ts";
import type { ScriptConnection } from "./connection.ts";
import { Waiting, type WaitLimits } from "./waiting.ts";

export interface RequestClientOptions {
  /**
   * How long to retry without a connection, in milliseconds awake; unless given, as long as `timeoutMs`. 0, the default
   * without a timeout, gives up after the first failure.
   */
  readonly patienceMs?: number;
  /** How long connecting, logging in and `work` may take together, in milliseconds awake; no limit unless given. */
  readonly timeoutMs?: number;
  /** The log's incarnation of a position that the server validates in its hello. */
  readonly incarnation?: string;
}

/** How many commands of one user may be connected for a request at once; others wait for their turn. */
const maxConcurrent = 8;
const turnPatienceMs = 120_000;
const turnRetryMs = 50;
const logInRetryMs = 1_000;

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
  { timeoutMs, patienceMs = timeoutMs ?? 0, incarnation }: RequestClientOptions = {},
): Promise<T> {
  const { state, transport } = connection;
  const limits: WaitLimits = { patienceMs, timeoutMs };
  using waiting = new Waiting(transport.address, limits);
  using consumer = await waiting.bound(takeTurn(state));
  for (;;) {
    const token = await logIn(connection.login, waiting, limits);
    const online = Promise.withResolvers<HelloResponse>();
    online.promise.catch(() => {});
    const { epoch } = state.read();
    let wasOnline = false;
    const client: ChatClient = new ChatClient({
      transport,
      token,
      client: `chatd/${version}`,
      consumer: consumer.name,
      // Resumes at the head, so nothing is delivered.
      resume: epoch === undefined ? undefined : { epoch, incarnation, after: atHead },
      onEvent: (event) => {
        waiting.onEvent(event, client);
        if (event.kind !== "state" || event.state.kind !== "online") return;
        // The work may depend on positions that are no longer valid.
        if (wasOnline && event.state.restored) waiting.giveUp(new ChatError("unavailable", restoredNote));
        online.resolve(event.state.hello);
      },
    });
    const stop = new AbortController();
    const running = client.run({ signal: stop.signal });
    const ended = Promise.race([running, waiting.expired]).then((error) => {
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
      if (wasOnline || !connection.login.canRetry(error, token)) throw error;
    } finally {
      stop.abort();
      await running;
    }
  }
}

/** Gets a token. Without a terminal, it tries again as long as the server cannot be reached. */
async function logIn(login: Login, waiting: Waiting, { patienceMs }: WaitLimits): Promise<string> {
  for (;;) {
    // The answer of a person takes as long as it takes.
    if (login.asksPerson) waiting.rest();
    try {
      return await waiting.bound(login.token());
    } catch (error) {
      const isAway = error instanceof ChatError && (error.code === "unavailable" || error.code === "storage_full");
      if (!isAway || patienceMs === 0 || login.asksPerson) throw error;
      waiting.begin(error);
      await waiting.bound(wait(systemTimers, logInRetryMs));
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
