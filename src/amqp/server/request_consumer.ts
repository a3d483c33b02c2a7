import type { Channel, ConsumeMessage } from "amqplib";
import { ChatError, toChatError } from "../../core/chat_error.ts";
import type { Log } from "../../core/log.ts";
import type { Metrics } from "../../core/metrics.ts";
import { Error as ErrorMessage } from "../../gen/chatd/v1/session.ts";
import { toWireError } from "../../wire/convert.ts";
import type { BrokerAddress } from "../connection/broker_address.ts";
import { consumedByAnother, toChannelError } from "../connection/broker_errors.ts";
import { type Incoming, parseIncoming, type ReplyAddress, replyAddress, sessionHeader } from "../incoming.ts";
import { messageTypes } from "../message_types.ts";
import { encodePayload, endingFrame } from "../payload.ts";
import type { FloodGuard } from "../senders/flood_guard.ts";
import type { BrokerSession } from "./broker_session.ts";
import type { BrokerSessions } from "./broker_sessions.ts";
import type { DirectReplies } from "./direct_replies.ts";
import type { Outgoing } from "./publisher.ts";
import type { SenderChecks } from "./sender_checks.ts";

export interface RequestConsumerOptions {
  readonly broker: BrokerAddress;
  readonly sessions: Pick<BrokerSessions, "of">;
  readonly replies: DirectReplies;
  readonly checks: Pick<SenderChecks, "judge">;
  /** Whether the broker reports its channels. */
  readonly hasEvents: boolean;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Handles a request. @param session the live session of the message @throws {ChatError} which becomes the reply */
export type RequestHandler = (
  incoming: Incoming,
  address: ReplyAddress,
  session: BrokerSession | undefined,
) => Promise<void>;

export interface ConsumedQueue {
  readonly queue: string;
  readonly guard: FloodGuard;
  readonly handle: RequestHandler;
  /** Called when no further requests will arrive. */
  onFailed(error: ChatError): void;
}

/** Consumes queues of requests: checks their senders, passes them to handlers and replies with errors. */
export class RequestConsumer {
  readonly #options: RequestConsumerOptions;

  constructor(options: RequestConsumerOptions) {
    this.#options = options;
  }

  /** Starts consuming a queue. @returns the consumer's tag @throws {ChatError} `already_exists` for another consumer */
  async consume(channel: Channel, consumed: ConsumedQueue): Promise<string> {
    const { queue, onFailed } = consumed;
    try {
      const { consumerTag } = await channel.consume(queue, (message) => {
        if (message === null) return onFailed(new ChatError("unavailable", `The queue "${queue}" was deleted.`));
        this.#receive(channel, message, consumed);
      }, { exclusive: true });
      return consumerTag;
    } catch (error) {
      const known = toChannelError(error, this.#options.broker);
      if (known.code !== "permission_denied" || !/exclusive/.test(known.message)) throw known;
      throw consumedByAnother(queue, error);
    }
  }

  #receive(channel: Channel, message: ConsumeMessage, consumed: ConsumedQueue): void {
    const isGenuine = this.#judge(message, consumed.queue);
    // Acknowledged once its replies are on their way to the broker, which bounds the requests handled concurrently.
    if (isGenuine === true) return void this.#handle(message, consumed).finally(() => acknowledge(channel, message));
    // A message whose channel may still be reported must not hold up others.
    acknowledge(channel, message);
    if (isGenuine === false) return;
    void isGenuine.then((genuine) => genuine ? this.#handle(message, consumed) : undefined);
  }

  #judge(message: ConsumeMessage, queue: string): boolean | Promise<boolean> {
    const { checks, replies, hasEvents } = this.#options;
    const replyTo: unknown = message.properties.replyTo;
    const isOurs = typeof replyTo === "string" && replies.matchesForm(replyTo);
    return checks.judge(message, { queue, checksAddress: isOurs && hasEvents });
  }

  async #handle(message: ConsumeMessage, { guard, handle }: ConsumedQueue): Promise<void> {
    const { sessions, replies, metrics, log } = this.#options;
    const sender = String(message.properties.userId ?? "");
    const session = sessions.of(message);
    const secret: unknown = message.properties.headers?.[sessionHeader];
    if (!guard.admits(sender, { session, secret })) return session?.end(floodError());
    const address = this.#addressOf(message);
    try {
      await handle(parseIncoming(message), address, session);
    } catch (thrown) {
      const error = toChatError(thrown);
      metrics.refused("amqp", error.code);
      if (error.code === "internal") log.error("request failed", { user: sender, error: thrown });
      replies.send({ sender, address, message: errorReply(message, error, address) });
    }
  }

  #addressOf(message: ConsumeMessage): ReplyAddress {
    const address = replyAddress(message);
    const { replyTo } = address;
    if (replyTo === undefined || this.#options.replies.matchesForm(replyTo)) return address;
    return { ...address, replyTo: undefined };
  }
}

function acknowledge(channel: Channel, message: ConsumeMessage): void {
  try {
    channel.ack(message);
  } catch {
    // The channel closed meanwhile, and its owner is notified.
  }
}

function errorReply(message: ConsumeMessage, error: ChatError, { format }: ReplyAddress): Outgoing {
  const isFrame = [undefined, messageTypes.clientFrame].includes(message.properties.type);
  const type = isFrame ? messageTypes.serverFrame : messageTypes.error;
  const bytes = isFrame ? endingFrame(error) : ErrorMessage.encode(toWireError(error)).finish();
  return { type, format, content: encodePayload(bytes, { name: type, format }) };
}

/** Returns the error for a session with dropped messages, which would otherwise have a gap. */
function floodError(): ChatError {
  return new ChatError("rate_limited", "Too many messages at once. Reconnect, and send fewer.", {
    retryAfterMs: 1_000,
  });
}
