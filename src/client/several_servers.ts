import { ChatError } from "../core/chat_error.ts";
import { withDeadline } from "../core/with_deadline.ts";
import { isFatal } from "./server_error.ts";
import type { Transport } from "./transport.ts";

/** How long one server may take to answer that it serves, in milliseconds. */
const attemptMs = 4_000;

/** The way to one of several servers of the same chat. */
export interface ServerTransport extends Transport {
  /**
   * Asks the server whether it serves.
   * @throws {ChatError} `unavailable` with the reason if it does not, or does not answer; another code if it is not a
   * server that this client can use
   */
  requireServing(options: { signal?: AbortSignal }): Promise<void>;
}

export interface SeveralServersOptions {
  /** In the order in which they are tried. */
  readonly servers: readonly [ServerTransport, ...ServerTransport[]];
}

/**
 * Reaches the serving one of several servers: asks each before a call, the one that served last first. Once a call has
 * begun, it stays with its server, so that nothing is done twice.
 */
export class SeveralServers implements Transport {
  /** Saved logins are those of the first server. */
  readonly identity: string;
  /** Another server takes over within seconds: longer waits would add to the pause that users see. */
  readonly backoff = { maxMs: 5_000 };
  readonly #options: SeveralServersOptions;
  /** The index of the server that served last, or is asked first. */
  #first = 0;
  #used: string | undefined;

  constructor(options: SeveralServersOptions) {
    const { servers } = options;
    this.#options = options;
    this.identity = servers[0].address;
  }

  /** The address of the server that was used last; all addresses before, and when none serves any more. */
  get address(): string {
    return this.#used ?? this.#options.servers.map(({ address }) => address).join(", ");
  }

  register: Transport["register"] = async (request, options) => {
    return await (await this.#find(options.signal)).register(request, options);
  };

  logIn: Transport["logIn"] = async (request, options) => {
    return await (await this.#find(options.signal)).logIn(request, options);
  };

  connect: Transport["connect"] = async (options) => await (await this.#find(options.signal)).connect(options);

  openFiles: Transport["openFiles"] = async (options) => {
    return await (await this.#find(options.signal)).openFiles(options);
  };

  /** @throws {ChatError} with the reason of each server; `unavailable` if a later attempt may succeed */
  async #find(signal: AbortSignal | undefined): Promise<Transport> {
    const { servers } = this.#options;
    const first = this.#first;
    const reasons: ChatError[] = [];
    for (let tried = 0; tried < servers.length; tried++) {
      const index = (first + tried) % servers.length;
      const server = servers[index];
      // A caller who gives up here begins here next time: silent servers before do not hide those behind.
      this.#first = index;
      const reason = await refusalOf(server, signal);
      if (reason !== undefined) {
        reasons.push(reason);
        continue;
      }
      this.#first = index;
      this.#used = server.address;
      return server;
    }
    this.#first = first;
    this.#used = undefined;
    throw noneServes(reasons);
  }
}

/** Returns why a server cannot be used; undefined if it serves. @throws the reason of a caller who gives up */
async function refusalOf(server: ServerTransport, parent: AbortSignal | undefined): Promise<ChatError | undefined> {
  return await withDeadline({ ms: attemptMs, parent }, async (signal) => {
    try {
      await server.requireServing({ signal });
      return undefined;
    } catch (error) {
      parent?.throwIfAborted();
      if (signal.aborted) {
        return new ChatError("unavailable", `Cannot reach the server at ${server.address}: it did not answer in time.`);
      }
      if (error instanceof ChatError) return error;
      throw error;
    }
  });
}

/** Returns the error for people; it ends the client only if each server refuses for good. */
function noneServes(reasons: readonly ChatError[]): ChatError {
  const decisive = reasons.find((reason) => !isFatal(reason)) ?? reasons[0];
  const message = reasons.map(({ message }) => message).join(" ");
  const waits = reasons.map(({ retryAfterMs }) => retryAfterMs).filter((ms) => ms !== undefined);
  const retryAfterMs = waits.length === 0 ? undefined : Math.min(...waits);
  return new ChatError(decisive.code, message, { cause: decisive, retryAfterMs });
}
