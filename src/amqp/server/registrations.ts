import { ChatError } from "../../core/chat_error.ts";
import { processOf } from "../direct_address.ts";
import type { ClientConnection } from "../senders/known_channels.ts";

/** Connections, or channels of unknown connections, that are remembered: more than can be open at once. */
const maxRemembered = 10_000;

export interface RegistrationsOptions {
  /** Returns the connection that a direct-reply address belongs to, if known. */
  connectionAt(replyTo: string): ClientConnection | undefined;
}

/** Admits one registration per connection of a stranger; per channel where the broker does not report connections. */
export class Registrations {
  readonly #options: RegistrationsOptions;
  readonly #seen = new Set<string>();

  constructor(options: RegistrationsOptions) {
    this.#options = options;
  }

  /**
   * Takes the single registration of the connection that an address belongs to.
   * @returns the connection, if known
   * @throws {ChatError} `limit_reached` for a further one
   */
  take(replyTo: string): ClientConnection | undefined {
    const channel = `channel ${processOf(replyTo)}`;
    this.#refuseFurther(channel);
    // Before the lookup, so that only the first of several concurrent ones passes.
    this.#remember(channel);
    const connection = this.#options.connectionAt(replyTo);
    if (connection === undefined) return undefined;
    this.#refuseFurther(connection.id);
    this.#remember(connection.id);
    return connection;
  }

  #refuseFurther(key: string): void {
    if (!this.#seen.has(key)) return;
    throw new ChatError("limit_reached", "Only one registration is allowed for each connection. Reconnect.");
  }

  #remember(key: string): void {
    this.#seen.add(key);
    const [oldest] = this.#seen;
    if (this.#seen.size > maxRemembered) this.#seen.delete(oldest);
  }
}
