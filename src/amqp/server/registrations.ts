import { ChatError } from "../../core/chat_error.ts";
import { processOf } from "../incoming.ts";
import type { ClientConnection } from "../senders/known_channels.ts";

/** Of connections, or of channels where those are not told apart, that are remembered: more than can be open at once. */
const maxRemembered = 10_000;

export interface RegistrationsOptions {
  /** The connection that an address for direct replies belongs to, if it can be found out. */
  connectionAt(replyTo: string): ClientConnection | undefined;
}

/** One registration for each connection of a stranger; where the broker does not tell connections apart, for each channel. */
export class Registrations {
  readonly #options: RegistrationsOptions;
  readonly #seen = new Set<string>();

  constructor(options: RegistrationsOptions) {
    this.#options = options;
  }

  /**
   * Takes the one registration of the connection that this address belongs to.
   * @returns the connection, if it is known. @throws {ChatError} `limit_reached` for a further one
   */
  take(replyTo: string): ClientConnection | undefined {
    const channel = `channel ${processOf(replyTo)}`;
    this.#refuseFurther(channel);
    // Of several at once, one is the first.
    this.#remember(channel);
    const connection = this.#options.connectionAt(replyTo);
    if (connection === undefined) return undefined;
    this.#refuseFurther(connection.id);
    this.#remember(connection.id);
    return connection;
  }

  #refuseFurther(key: string): void {
    if (!this.#seen.has(key)) return;
    throw new ChatError("limit_reached", "There is one registration for each connection: connect again.");
  }

  #remember(key: string): void {
    this.#seen.add(key);
    const [oldest] = this.#seen;
    if (this.#seen.size > maxRemembered) this.#seen.delete(oldest);
  }
}
