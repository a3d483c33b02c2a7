import type { ClientConnection } from "./client_connection.ts";

/** Milliseconds between two looks at the connections. */
const tickMs = 5_000;
/** Looks without octets from the peer before it is asked for some, and before it is given up. */
const askAfter = 2;
const giveUpAfter = 4;

/**
 * Finds peers that are gone without a word: asks those that were silent for 10 s, and closes those that do not answer
 * in 10 s.
 */
export class Keepalive implements Disposable {
  readonly #connections: Iterable<ClientConnection>;
  readonly #timer: ReturnType<typeof setInterval>;

  /** @param connections the connections that are open at each time */
  constructor(connections: Iterable<ClientConnection>) {
    this.#connections = connections;
    this.#timer = setInterval(() => this.#look(), tickMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const connection of this.#connections) {
      const { http2 } = connection;
      if (http2 === undefined) continue;
      const ticks = ++connection.silentTicks;
      if (ticks > giveUpAfter) connection.close();
      else if (ticks === askAfter + 1) http2.ping(() => {});
    }
  }
}
