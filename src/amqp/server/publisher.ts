import type { ConfirmChannel } from "amqplib";
import type { ReplyAddress } from "../incoming.ts";
import { contentTypes, type PayloadFormat } from "../message_types.ts";

export interface Outgoing {
  readonly type: string;
  readonly format: PayloadFormat;
  readonly content: Buffer;
}

/** Publishes as the server's broker user. Messages are not persistent, because the log has their content. */
export class Publisher {
  readonly #channel: ConfirmChannel;
  readonly #user: string;

  /** `onUndeliverable` is called with the name of a queue that does not exist. */
  constructor(channel: ConfirmChannel, options: { user: string; onUndeliverable(queue: string): void }) {
    this.#channel = channel;
    this.#user = options.user;
    channel.on("return", ({ fields }) => options.onUndeliverable(fields.routingKey));
  }

  /**
   * Publishes to a queue. `onConfirmed` is called with whether the broker accepted the message; it refuses when the
   * queue is full.
   */
  publishTo(
    queue: string,
    message: Outgoing,
    { headers, onConfirmed }: { headers: Record<string, unknown>; onConfirmed(taken: boolean): void },
  ): void {
    this.#publish(queue, message, { mandatory: true, headers }, onConfirmed);
  }

  /**
   * Publishes a reply. Resolves with whether the broker accepted it, even without a reader; ignores a reply without an
   * address.
   */
  reply(
    { replyTo, correlationId }: ReplyAddress,
    message: Outgoing,
    headers: Record<string, string> = {},
  ): Promise<boolean> {
    if (replyTo === undefined) return Promise.resolve(true);
    return new Promise((resolve) => this.#publish(replyTo, message, { correlationId, headers }, resolve));
  }

  /** Resolves when the broker has confirmed all messages, or the channel is closed. */
  async flush(): Promise<void> {
    await this.#channel.waitForConfirms().catch(() => {});
  }

  #publish(
    queue: string,
    { type, format, content }: Outgoing,
    options: { mandatory?: boolean; correlationId?: string; headers?: Record<string, unknown> },
    onDone: (taken: boolean) => void,
  ): void {
    const properties = { ...options, userId: this.#user, type, contentType: contentTypes[format], persistent: false };
    try {
      this.#channel.publish("", queue, content, properties, (error) => onDone(error === null));
    } catch {
      // The channel is closed, and its owner is notified.
      onDone(true);
    }
  }
}
