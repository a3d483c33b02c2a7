import { Backoff } from "../../client/backoff.ts";
import { ChatError, toChatError } from "../../core/chat_error.ts";
import type { Log } from "../../core/log.ts";
import { pause } from "../../core/pause.ts";
import type { BrokerConnection } from "../connection/broker_connection.ts";
import { toChannelError } from "../connection/broker_errors.ts";
import { type DirectAddressForm, formOf } from "../direct_address.ts";
import type { ReplyAddress } from "../incoming.ts";
import { directReplies } from "../topology.ts";
import { type Outgoing, Publisher } from "./publisher.ts";

/** Replies that wait; further ones are dropped, and their clients ask again. */
const maxWaiting = 5_000;
/** Time for the broker to confirm a reply, in milliseconds. */
const replyDeadlineMs = 10_000;

export interface DirectReply {
  /** The broker user who receives the reply. */
  readonly sender: string;
  readonly address: ReplyAddress;
  readonly message: Outgoing;
  readonly headers?: Record<string, string>;
  /** Whether another limit bounds this reply: receipts of chunks, or the rate of uploads. False unless given. */
  readonly isBounded?: boolean;
  /** Called at most once, when the broker has it. */
  onSent?(): void;
  /** Called at most once, when the reply is not sent. */
  onDropped?(): void;
}

export interface DirectRepliesOptions {
  /** Opens another connection, which is closed with these replies. @throws {ChatError} */
  connect(signal: AbortSignal): Promise<BrokerConnection>;
  readonly log: Log;
  /** Receives each address that the broker gives this server. */
  onOwnAddress(ownAddress: string): void;
  /** Returns whether one more reply to this sender is within bounds. */
  admits(reply: DirectReply): boolean;
  /** Called when an address of this sender made the broker close the connection. */
  onPoisoned(sender: string): void;
}

interface ReplyLine {
  readonly connection: BrokerConnection;
  readonly publisher: Publisher;
  /** Called when the connection is lost. The current reply replaces it, so one listener serves all replies. */
  giveUp(): void;
}

/**
 * Sends replies to addresses that clients chose, over a separate connection: RabbitMQ closes a connection that
 * publishes to a forged one. Replies are sent one at a time, which identifies the reply that closed the connection; it
 * is dropped, and the others wait for a new connection.
 */
export class DirectReplies {
  readonly #options: DirectRepliesOptions;
  readonly #closed = new AbortController();
  readonly #waiting: DirectReply[] = [];
  #line: ReplyLine | undefined;
  #form: DirectAddressForm | undefined;
  #sending: Promise<void> | undefined;

  private constructor(options: DirectRepliesOptions) {
    this.#options = options;
  }

  /** Connects. @throws {ChatError} */
  static async open(options: DirectRepliesOptions): Promise<DirectReplies> {
    const replies = new DirectReplies(options);
    await replies.#connect();
    return replies;
  }

  /** Returns whether an address has the form of this broker's addresses. */
  matchesForm(replyTo: string): boolean {
    return this.#form === undefined || formOf(replyTo) === this.#form;
  }

  /** Queues a reply; ignores one without an address. */
  send(reply: DirectReply): void {
    if (reply.address.replyTo === undefined) return;
    if (this.#closed.signal.aborted || this.#waiting.length >= maxWaiting) return reply.onDropped?.();
    if (!reply.isBounded && !this.#options.admits(reply)) return reply.onDropped?.();
    this.#waiting.push(reply);
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when no reply waits. */
  async flush(): Promise<void> {
    await this.#sending;
  }

  /** Drops waiting replies and closes the connection. Idempotent. */
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
        reply.onSent?.();
        continue;
      }
      reply.onDropped?.();
      await line.connection.close();
      const { message } = await line.connection.lost;
      if (this.#closed.signal.aborted) break;
      this.#options.log.warn("the connection for replies was lost", { reason: message, user: reply.sender });
      if (!/\b541\b/.test(message)) continue;
      this.#options.onPoisoned(reply.sender);
      this.#dropAt(reply.address.replyTo);
    }
    this.#sending = undefined;
    for (const reply of this.#waiting.splice(0)) reply.onDropped?.();
  }

  /** Drops the other replies to an address that closed the connection: they would close the next one. */
  #dropAt(replyTo: string | undefined): void {
    const waiting = this.#waiting.splice(0);
    for (const reply of waiting) {
      if (reply.address.replyTo === replyTo) reply.onDropped?.();
      else this.#waiting.push(reply);
    }
  }

  async #sendOne(line: ReplyLine, { address, message, headers }: DirectReply): Promise<boolean> {
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
        this.#options.log.warn("cannot connect for replies", { reason: toChatError(error).message });
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
      this.#options.onOwnAddress(address);
      if (this.#closed.signal.aborted) throw new ChatError("unavailable", "The server is shutting down.");
      const publisher = new Publisher(channel, { user: connection.user, onUndeliverable() {} });
      const line: ReplyLine = { connection, publisher, giveUp() {} };
      void connection.lost.then(() => line.giveUp());
      return this.#line = line;
    } catch (error) {
      await connection.close();
      throw error instanceof ChatError ? error : toChannelError(error, connection.broker);
    }
  }
}

/** Obtains a direct-reply address of this server from the broker, through a message to itself. */
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
    // Not awaited: a broker that lacks memory or disk reads nothing after the first message.
    channel.deleteQueue(queue).then(() => channel.close()).catch(() => {});
    return own;
  } finally {
    clearTimeout(timer);
  }
}
