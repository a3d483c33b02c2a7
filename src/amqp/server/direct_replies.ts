import { Backoff } from "../../client/backoff.ts";
import { ChatError, toChatError } from "../../core/chat_error.ts";
import type { Log } from "../../core/log.ts";
import { pause } from "../../core/pause.ts";
import type { BrokerConnection } from "../connection/broker_connection.ts";
import { toChannelError } from "../connection/broker_errors.ts";
import { type DirectAddressForm, formOf, type ReplyAddress } from "../incoming.ts";
import { directReplies } from "../topology.ts";
import { type Outgoing, Publisher } from "./publisher.ts";

/** Replies that wait; further ones are dropped, and their clients ask again. */
const maxWaiting = 5_000;
/** How long the broker may take for one reply, in milliseconds. */
const replyDeadlineMs = 10_000;

export interface DirectReply {
  /** The broker's name of the user who asked. */
  readonly sender: string;
  readonly address: ReplyAddress;
  readonly message: Outgoing;
  readonly headers?: Record<string, string>;
  /** Bounds of its own apply to this reply: the receipts of chunks, or the rate of uploads. No unless given. */
  readonly isBounded?: boolean;
  /** Called at most once, when the broker has it. */
  sent?(): void;
  /** Called at most once, when the reply is not sent. */
  dropped?(): void;
}

export interface DirectRepliesOptions {
  /** Opens another connection, which is closed with these replies. @throws {ChatError} */
  connect(signal: AbortSignal): Promise<BrokerConnection>;
  readonly log: Log;
  /** Learns each address that the broker gives this server. */
  learn(ownAddress: string): void;
  /** Whether one more reply to this sender is within bounds. */
  admits(reply: DirectReply): boolean;
  /** An address of this sender's brought the connection down. */
  poisoned(sender: string): void;
}

interface Line {
  readonly connection: BrokerConnection;
  readonly publisher: Publisher;
  /** Called when the connection is lost. A reply that is under way puts itself here, as that is one listener for all of them. */
  giveUp(): void;
}

/**
 * Replies to addresses that clients chose, over a connection of their own: RabbitMQ closes the connection of who publishes to a
 * forged one. One is under way at a time, so that it is known which one did it; that one is dropped, the others wait.
 */
export class DirectReplies {
  readonly #options: DirectRepliesOptions;
  readonly #closed = new AbortController();
  readonly #waiting: DirectReply[] = [];
  #line: Line | undefined;
  #form: DirectAddressForm | undefined;
  #sending: Promise<void> | undefined;

  private constructor(options: DirectRepliesOptions) {
    this.#options = options;
  }

  /** @throws {ChatError} */
  static async open(options: DirectRepliesOptions): Promise<DirectReplies> {
    const replies = new DirectReplies(options);
    await replies.#connect();
    return replies;
  }

  /** Whether an address looks like one that this broker gave out. */
  isGenuine(replyTo: string): boolean {
    return this.#form === undefined || formOf(replyTo) === this.#form;
  }

  /** Sends it when its turn comes; without an address, not at all. */
  send(reply: DirectReply): void {
    if (reply.address.replyTo === undefined) return;
    if (this.#closed.signal.aborted || this.#waiting.length >= maxWaiting) return reply.dropped?.();
    if (!reply.isBounded && !this.#options.admits(reply)) return reply.dropped?.();
    this.#waiting.push(reply);
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when nothing waits any more. */
  async flush(): Promise<void> {
    await this.#sending;
  }

  /** Idempotent. What waits is dropped. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#line?.connection.close();
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const line = this.#line?.connection.isOpen ? this.#line : await this.#reconnect();
      if (line === undefined) break;
      const reply = this.#waiting.shift()!;
      if (await this.#sendOne(line, reply)) {
        reply.sent?.();
        continue;
      }
      reply.dropped?.();
      await line.connection.close();
      const { message } = await line.connection.lost;
      if (this.#closed.signal.aborted) break;
      this.#options.log.warn("the connection for replies was lost", { reason: message, user: reply.sender });
      if (!/\b541\b/.test(message)) continue;
      this.#options.poisoned(reply.sender);
      this.#dropAt(reply.address.replyTo);
    }
    this.#sending = undefined;
    for (const reply of this.#waiting.splice(0)) reply.dropped?.();
  }

  /** Drops the other replies to an address that ended the connection: they would end the next one. */
  #dropAt(replyTo: string | undefined): void {
    const waiting = this.#waiting.splice(0);
    for (const reply of waiting) {
      if (reply.address.replyTo === replyTo) reply.dropped?.();
      else this.#waiting.push(reply);
    }
  }

  async #sendOne(line: Line, { address, message, headers }: DirectReply): Promise<boolean> {
    const late = Promise.withResolvers<false>();
    line.giveUp = () => late.resolve(false);
    const timer = setTimeout(line.giveUp, replyDeadlineMs);
    try {
      return await Promise.race([line.publisher.reply(address, message, headers), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #reconnect() {
    const backoff = new Backoff({ initialMs: 10, maxMs: 1_000 });
    const { signal } = this.#closed;
    while (!signal.aborted) {
      try {
        return await this.#connect();
      } catch (error) {
        if (signal.aborted) return undefined;
        this.#options.log.warn("no connection for replies", { reason: toChatError(error).message });
        await pause(backoff.next(), signal);
      }
    }
    return undefined;
  }

  async #connect() {
    const connection = await this.#options.connect(this.#closed.signal);
    try {
      const channel = await connection.confirmChannel(() => void connection.close());
      const address = await ownAddress(connection);
      this.#form = formOf(address);
      this.#options.learn(address);
      if (this.#closed.signal.aborted) throw new ChatError("unavailable", "The server is shutting down.");
      const publisher = new Publisher(channel, { user: connection.user, undeliverable() {} });
      const line: Line = { connection, publisher, giveUp() {} };
      void connection.lost.then(() => line.giveUp());
      return this.#line = line;
    } catch (error) {
      await connection.close();
      throw error instanceof ChatError ? error : toChannelError(error, connection.broker);
    }
  }
}

/** An address of the broker's for direct replies: it is asked for one, by a message to ourselves. */
async function ownAddress(connection: BrokerConnection): Promise<string> {
  const address = Promise.withResolvers<string>();
  const timer = setTimeout(() => address.reject(new Error("no address for direct replies")), replyDeadlineMs);
  try {
    const channel = await connection.channel((error) => address.reject(error));
    void connection.lost.then(address.reject);
    address.promise.catch(() => {});
    await channel.consume(directReplies, () => {}, { noAck: true });
    const { queue } = await channel.assertQueue(`chatd.address.${crypto.randomUUID()}`, { exclusive: true });
    await channel.consume(queue, (message) => address.resolve(String(message?.properties.replyTo)), { noAck: true });
    channel.publish("", queue, Buffer.alloc(0), { replyTo: directReplies });
    const own = await address.promise;
    // Not waited for: a broker that lacks memory or disk reads nothing after the first message.
    channel.deleteQueue(queue).then(() => channel.close()).catch(() => {});
    return own;
  } finally {
    clearTimeout(timer);
  }
}
