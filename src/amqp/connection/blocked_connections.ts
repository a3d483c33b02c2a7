import type { Log } from "../../core/log.ts";
import { BrokerConnection, type OpenBrokerOptions } from "./broker_connection.ts";

/**
 * The connections that the broker has blocked for lack of memory or disk. A starting server may have one, because it
 * publishes before it serves, and the broker blocks a connection when it publishes.
 */
export class BlockedConnections {
  /** Reason for the block, by connection. */
  readonly #reasons = new Map<symbol, string>();

  /** Whether any connection is blocked. */
  get isBlocked(): boolean {
    return this.#reasons.size > 0;
  }

  /** Whether any connection is blocked for lack of memory. */
  get lacksMemory(): boolean {
    return this.#reasons.values().some((reason) => /memory/.test(reason));
  }

  /** Opens a connection that is tracked until it is lost. @throws {ChatError} see {@link BrokerConnection.open} */
  async open({ log, ...options }: Omit<OpenBrokerOptions, "onBlocked"> & { log: Log }): Promise<BrokerConnection> {
    const { name } = options;
    const key = Symbol(name);
    const onBlocked = (reason: string | undefined) => {
      if (reason === undefined) {
        this.#reasons.delete(key);
        log.info("the broker accepts messages again", { connection: name });
      } else {
        this.#reasons.set(key, reason);
        log.error("the broker accepts no messages; the chat is paused", { connection: name, reason });
      }
    };
    const connection = await BrokerConnection.open({ ...options, onBlocked });
    void connection.lost.then(() => this.#reasons.delete(key));
    return connection;
  }
}
