import type { ClientConnection } from "./client_connection.ts";

/** Interval of checks, in milliseconds. */
const tickMs = 5_000;
/** Silent checks before a ping, and before the connection is closed. */
const askAfter = 2;
const giveUpAfter = 4;

/**
 * Finds peers that vanished: pings those that were silent for 10 s, and closes those that do not answer within 10 s.
 */
export class Keepalive implements Disposable {
  readonly #connections: Iterable<ClientConnection>;
  readonly #timer: ReturnType<typeof setInterval>;

  /** Starts checking. @param connections the connections that are open at each time */
  constructor(connections: Iterable<ClientConnection>) {
    this.#connections = connections;
    this.#timer = setInterval(() => this.#check(), tickMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    for (const connection of this.#connections) {
      const { http2 } = connection;
      if (http2 === undefined) continue;
      const ticks = ++connection.silentTicks;
      if (ticks > giveUpAfter) connection.close();
      else if (ticks === askAfter + 1) http2.ping(() => {});
    }
  }
}
