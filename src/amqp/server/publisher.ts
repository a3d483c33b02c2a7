import type { ConfirmChannel } from "amqplib";
import type { ReplyAddress } from "../incoming.ts";
import { contentTypes, type PayloadFormat } from "../message_types.ts";

export interface Outgoing {
  readonly type: string;
  readonly format: PayloadFormat;
  readonly content: Buffer;
}

/** Publishes in the server's own name. No message outlives the broker: the log is the truth. */
export class Publisher {
  readonly #channel: ConfirmChannel;
  readonly #user: string;

  /** `undeliverable` is called with the name of a queue that is gone. */
  constructor(channel: ConfirmChannel, options: { user: string; undeliverable(queue: string): void }) {
    this.#channel = channel;
    this.#user = options.user;
    channel.on("return", ({ fields }) => options.undeliverable(fields.routingKey));
  }

  /** `confirmed` is called with whether the broker took it, which it does not when the queue is full. */
  toQueue(
    queue: string,
    message: Outgoing,
    { headers, confirmed }: { headers: Record<string, unknown>; confirmed(taken: boolean): void },
  ): void {
    this.#publish(queue, message, { mandatory: true, headers }, confirmed);
  }

  /** Resolves with whether the broker took it, with a reader or without; without an address, at once. */
  reply(
    { replyTo, correlationId }: ReplyAddress,
    message: Outgoing,
    headers: Record<string, string> = {},
  ): Promise<boolean> {
    if (replyTo === undefined) return Promise.resolve(true);
    return new Promise((resolve) => this.#publish(replyTo, message, { correlationId, headers }, resolve));
  }

  /** Resolves when the broker has everything, or the channel is gone. */
  async flush(): Promise<void> {
    await this.#channel.waitForConfirms().catch(() => {});
  }

  #publish(
    queue: string,
    { type, format, content }: Outgoing,
    options: { mandatory?: boolean; correlationId?: string; headers?: Record<string, unknown> },
    done: (taken: boolean) => void,
  ): void {
    const properties = { ...options, userId: this.#user, type, contentType: contentTypes[format], persistent: false };
    try {
      this.#channel.publish("", queue, content, properties, (error) => done(error === null));
    } catch {
      // The channel closed, and its owner hears of it.
      done(true);
    }
  }
}
