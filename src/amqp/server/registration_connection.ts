import type { Channel } from "amqplib";
import { type ChatError, toChatError } from "../../core/chat_error.ts";
import type { Log } from "../../core/log.ts";
import { pause } from "../../core/pause.ts";
import type { BrokerConnection } from "../connection/broker_connection.ts";

/** Registrations that are handled concurrently. */
const registrationsAtOnce = 4;
/** Wait before the next attempt to connect, in milliseconds. */
const retryMs = 1_000;

export interface RegistrationConnectionOptions {
  /** Opens a connection, which is closed with this one. @throws {ChatError} */
  connect(signal: AbortSignal): Promise<BrokerConnection>;
  /** Starts consuming registrations; `onFailed` is called when that ends. @throws {ChatError} */
  consume(channel: Channel, onFailed: (error: ChatError) => void): Promise<void>;
  readonly log: Log;
}

/**
 * Receives registrations over a separate connection, so that no message of a stranger can end the connection of the
 * sessions.
 */
export class RegistrationConnection {
  readonly #options: RegistrationConnectionOptions;
  readonly #closed = new AbortController();
  #connection: BrokerConnection | undefined;
  #running: Promise<void> | undefined;

  private constructor(options: RegistrationConnectionOptions) {
    this.#options = options;
  }

  /** Connects, and reconnects whenever the connection is lost, until it is closed. Never throws. */
  static open(options: RegistrationConnectionOptions): RegistrationConnection {
    const registrations = new RegistrationConnection(options);
    registrations.#running = registrations.#keepConnected();
    return registrations;
  }

  /** Stops and closes the connection. Idempotent. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#connection?.close();
    await this.#running;
  }

  async #keepConnected(): Promise<void> {
    const { signal } = this.#closed;
    await this.#connect();
    while (!signal.aborted) {
      const lost = await this.#connection?.lost;
      if (signal.aborted) return;
      if (lost !== undefined) {
        this.#options.log.warn("the connection for registrations was lost", { reason: lost.message });
      }
      this.#connection = undefined;
      if (await pause(retryMs, signal)) await this.#connect();
    }
  }

  async #connect(): Promise<void> {
    const { connect, log } = this.#options;
    const { signal } = this.#closed;
    try {
      const connection = await connect(signal);
      if (signal.aborted) return await connection.close();
      this.#connection = connection;
      // amqplib settles nothing when the connection is lost meanwhile.
      const lost = connection.lost.then((error) => Promise.reject(error));
      await Promise.race([this.#consume(connection), lost]);
    } catch (error) {
      await this.#connection?.close();
      this.#connection = undefined;
      if (!signal.aborted) log.warn("cannot connect for registrations", { reason: toChatError(error).message });
    }
    if (signal.aborted) await this.#connection?.close();
  }

  async #consume(connection: BrokerConnection): Promise<void> {
    const onFailed = () => void connection.close();
    const channel = await connection.channel(onFailed);
    await channel.prefetch(registrationsAtOnce);
    await this.#options.consume(channel, onFailed);
  }
}
