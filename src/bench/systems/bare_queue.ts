import type { Channel, ConfirmChannel } from "amqplib";
import { BrokerConnection, type OpenBrokerOptions } from "../../amqp/connection/broker_connection.ts";

/** A consumer of its own queue over its own connection, without chatd: it shows the speed of amqplib and the broker. */
export class BareConsumer implements AsyncDisposable {
  readonly queue: string;
  readonly #connection: BrokerConnection;

  private constructor(connection: BrokerConnection, queue: string) {
    this.#connection = connection;
    this.queue = queue;
  }

  /** Opens a consumer without acknowledgements, like chatd's clients. @throws {ChatError} */
  static async open(options: OpenBrokerOptions & { onBytes(bytes: Uint8Array): void }): Promise<BareConsumer> {
    const connection = await BrokerConnection.open(options);
    try {
      const channel: Channel = await connection.channel(() => {});
      const { queue } = await channel.assertQueue("", { exclusive: true, durable: false });
      await channel.consume(queue, (message) => message && options.onBytes(message.content), { noAck: true });
      return new BareConsumer(connection, queue);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}

/** A publisher with confirms, over its own connection. */
export class BarePublisher implements AsyncDisposable {
  readonly #connection: BrokerConnection;
  readonly #channel: ConfirmChannel;

  private constructor(connection: BrokerConnection, channel: ConfirmChannel) {
    this.#connection = connection;
    this.#channel = channel;
  }

  /** @throws {ChatError} */
  static async open(options: OpenBrokerOptions): Promise<BarePublisher> {
    const connection = await BrokerConnection.open(options);
    try {
      return new BarePublisher(connection, await connection.confirmChannel(() => {}));
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Publishes a message; resolves when the broker confirms it. */
  publish(queue: string, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.#channel.publish("", queue, content, {}, (error) => error ? reject(error) : resolve());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}
