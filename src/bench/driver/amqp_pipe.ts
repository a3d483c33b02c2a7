import type { Channel, ConfirmChannel, ConsumeMessage, Options } from "amqplib";
import type { BrokerAddress, BrokerLogin } from "../../amqp/connection/broker_address.ts";
import { BrokerConnection } from "../../amqp/connection/broker_connection.ts";
import { mapChannelErrors } from "../../amqp/connection/broker_errors.ts";
import { connectionHeader, sequenceHeader, sessionHeader, sessionQueueHeader } from "../../amqp/incoming.ts";
import { contentTypes, messageTypes } from "../../amqp/message_types.ts";
import { directReplies, requestExchange, requestQueue } from "../../amqp/topology.ts";
import { ChatError } from "../../core/chat_error.ts";
import { maxFrameBytes } from "../../wire/limits.ts";
import type { OpenPipe, Pipe, PipeHandlers } from "./pipe.ts";

/** Interval of messages that keep the session alive, in milliseconds. */
const keepaliveMs = 10_000;
/** Wait before a refused message is published again, in milliseconds. */
const refusedMs = 50;

export interface AmqpPipeOptions {
  readonly broker: BrokerAddress;
  readonly login: BrokerLogin;
  /** PEM certificates that replace the system's roots. */
  readonly ca?: string;
  /**
   * Joins the frames of a turn, and those that wait for the broker's confirm, as chatd's clients do. Otherwise each frame
   * is a message without a confirm; the server ends the session when the broker refuses one.
   */
  readonly joined: boolean;
}

/** Returns the way of a user's frames over a broker. */
export function openAmqpPipe(options: AmqpPipeOptions): OpenPipe {
  return (handlers) => AmqpPipe.open(options, handlers);
}

/** A session over a broker: amqplib publishes and consumes messages, whose contents are the driver's raw frames. */
class AmqpPipe implements Pipe {
  readonly #connection: BrokerConnection;
  readonly #channel: Channel;
  /** The same channel, when frames are joined. */
  readonly #confirms: ConfirmChannel | undefined;
  readonly #handlers: PipeHandlers;
  readonly #connectionName: string;
  readonly #correlationId = crypto.randomUUID();
  readonly #keepalive: ReturnType<typeof setInterval>;
  #session: string | undefined;
  #published = 0;
  /** Frames that wait for a confirm; their concatenation is one frame. */
  #waiting: Uint8Array[] = [];
  #isPublishing = false;
  #closed = false;

  private constructor(
    { connection, channel, confirms, name }: {
      connection: BrokerConnection;
      channel: Channel;
      confirms: ConfirmChannel | undefined;
      name: string;
    },
    handlers: PipeHandlers,
  ) {
    this.#connection = connection;
    this.#channel = channel;
    this.#confirms = confirms;
    this.#connectionName = name;
    this.#handlers = handlers;
    this.#keepalive = setInterval(() => this.#session && this.send(new Uint8Array(0)), keepaliveMs);
    void connection.lost.then((error) => this.#lose(error));
  }

  static async open({ broker, login, ca, joined }: AmqpPipeOptions, handlers: PipeHandlers): Promise<AmqpPipe> {
    const name = `chatd ${crypto.randomUUID()}`;
    const connection = await BrokerConnection.open({ broker, login, ca, name });
    try {
      const failed = Promise.withResolvers<ChatError>();
      const onError = (error: ChatError) => failed.resolve(error);
      const confirms = joined ? await connection.confirmChannel(onError) : undefined;
      const channel = confirms ?? await connection.channel(onError);
      const pipe = new AmqpPipe({ connection, channel, confirms, name }, handlers);
      await mapChannelErrors(
        broker,
        () => channel.consume(directReplies, (message) => pipe.#takeReply(message), { noAck: true }),
      );
      void failed.promise.then((error) => pipe.#lose(error));
      return pipe;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  send(message: Uint8Array): void {
    if (this.#closed) return;
    // amqplib keeps the bytes until it writes them.
    const content = Buffer.from(message);
    if (this.#confirms === undefined) {
      this.#channel.publish(requestExchange, requestQueue, content, this.#properties());
      return;
    }
    this.#waiting.push(content);
    if (!this.#isPublishing) this.#publishWaiting();
  }

  #publishWaiting(): void {
    let bytes = 0;
    const count = this.#waiting.findIndex(({ length }) => (bytes += length) > maxFrameBytes);
    const frames = this.#waiting.splice(0, count < 0 ? this.#waiting.length : Math.max(count, 1));
    this.#isPublishing = frames.length > 0;
    if (this.#isPublishing) this.#publish(frames.length === 1 ? frames[0] : Buffer.concat(frames), this.#properties());
  }

  /** Publishes until the broker accepts: it refuses while too many requests wait. */
  #publish(content: Uint8Array, properties: Options.Publish): void {
    if (this.#closed) return;
    this.#confirms!.publish(requestExchange, requestQueue, content as Buffer, properties, (error) => {
      if (error === null) this.#publishWaiting();
      else setTimeout(() => this.#publish(content, properties), refusedMs);
    });
  }

  #properties(): Options.Publish {
    return {
      replyTo: directReplies,
      ...(this.#session === undefined && { correlationId: this.#correlationId }),
      headers: {
        [connectionHeader]: this.#connectionName,
        ...(this.#session !== undefined && { [sessionHeader]: this.#session, [sequenceHeader]: ++this.#published }),
      },
      userId: this.#connection.user,
      contentType: contentTypes.protobuf,
      type: messageTypes.clientFrame,
      mandatory: true,
      persistent: false,
    };
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
