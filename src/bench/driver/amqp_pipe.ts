import type { Channel, ConsumeMessage } from "amqplib";
import type { BrokerAddress } from "../../amqp/connection/broker_address.ts";
import { BrokerConnection } from "../../amqp/connection/broker_connection.ts";
import { connectionHeader, sequenceHeader, sessionHeader, sessionQueueHeader } from "../../amqp/incoming.ts";
import { contentTypes, messageTypes } from "../../amqp/message_types.ts";
import { directReplies, requestExchange, requestQueue } from "../../amqp/topology.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { OpenPipe, Pipe, PipeHandlers } from "./pipe.ts";

/** Interval of messages that keep the session alive, in milliseconds. */
const keepaliveMs = 10_000;

export interface AmqpPipeOptions {
  readonly broker: BrokerAddress;
  /** The user, who logs in with the token. */
  readonly name: string;
  readonly token: string;
}

/** Returns the way of a user's frames over a broker. */
export function openAmqpPipe(options: AmqpPipeOptions): OpenPipe {
  return (handlers) => AmqpPipe.open(options, handlers);
}

/**
 * A session over a broker: amqplib publishes and consumes messages, whose contents are the driver's raw frames. Unlike
 * chatd's clients it asks for no confirms; the server notices a message that the broker lost by its number.
 */
class AmqpPipe implements Pipe {
  readonly #connection: BrokerConnection;
  readonly #channel: Channel;
  readonly #handlers: PipeHandlers;
  readonly #connectionName: string;
  readonly #correlationId = crypto.randomUUID();
  readonly #keepalive: ReturnType<typeof setInterval>;
  #session: string | undefined;
  #published = 0;
  #closed = false;

  private constructor(
    { connection, channel, name }: { connection: BrokerConnection; channel: Channel; name: string },
    handlers: PipeHandlers,
  ) {
    this.#connection = connection;
    this.#channel = channel;
    this.#connectionName = name;
    this.#handlers = handlers;
    this.#keepalive = setInterval(() => this.#session && this.send(new Uint8Array(0)), keepaliveMs);
    void connection.lost.then((error) => this.#lose(error));
  }

  static async open({ broker, name: user, token }: AmqpPipeOptions, handlers: PipeHandlers): Promise<AmqpPipe> {
    const name = `chatd ${crypto.randomUUID()}`;
    const connection = await BrokerConnection.open({ broker, login: { user, password: token }, name });
    try {
      const failed = Promise.withResolvers<never>();
      failed.promise.catch(() => {});
      let pipe: AmqpPipe | undefined;
      const channel = await connection.channel((error) => {
        failed.reject(error);
        if (pipe !== undefined) pipe.#lose(error);
      });
      pipe = new AmqpPipe({ connection, channel, name }, handlers);
      const opened = pipe;
      await Promise.race([
        channel.consume(directReplies, (message) => opened.#takeReply(message), { noAck: true }),
        failed.promise,
      ]);
      return pipe;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  send(message: Uint8Array): void {
    if (this.#closed) return;
    const headers = {
      [connectionHeader]: this.#connectionName,
      ...(this.#session !== undefined && { [sessionHeader]: this.#session, [sequenceHeader]: ++this.#published }),
    };
    // amqplib keeps the bytes until it writes them.
    this.#channel.publish(requestExchange, requestQueue, Buffer.from(message), {
      replyTo: directReplies,
      ...(this.#session === undefined && { correlationId: this.#correlationId }),
      headers,
      userId: this.#connection.user,
      contentType: contentTypes.protobuf,
      type: messageTypes.clientFrame,
      mandatory: true,
      persistent: false,
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#keepalive);
    await this.#connection.close();
  }

  /** Takes the reply to the hello, and joins the session's queue before the reply is delivered. */
  #takeReply(message: ConsumeMessage | null): void {
    if (message === null || this.#closed) return;
    const { [sessionHeader]: secret, [sessionQueueHeader]: queue } = message.properties.headers ?? {};
    if (this.#session !== undefined || typeof secret !== "string" || typeof queue !== "string") {
      return this.#deliver(message.content);
    }
    this.#session = secret;
    const early: Uint8Array[] = [];
    let take = (content: Uint8Array): unknown => early.push(content);
    const onDelivery = (delivery: ConsumeMessage | null) => {
      if (delivery === null) this.#lose(new ChatError("unavailable", "The server ended this session."));
      else take(delivery.content);
    };
    this.#channel.consume(queue, onDelivery, { noAck: true, exclusive: true }).then(() => {
      take = (content) => this.#deliver(content);
      [message.content, ...early].forEach(take);
    }, (error) => this.#lose(error));
  }

  #deliver(content: Uint8Array): void {
    if (!this.#closed) this.#handlers.onMessage(content, 0, content.length);
  }

  #lose(error: Error): void {
    if (this.#closed) return;
    void this.close();
    this.#handlers.onLost(error);
  }
}
