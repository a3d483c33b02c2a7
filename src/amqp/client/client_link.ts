import type { ConfirmChannel, ConsumeMessage } from "amqplib";
import { Backoff } from "../../client/backoff.ts";
import { FrameQueue } from "../../client/frame_queue.ts";
import { decodeFrame, type ReceivedFrame } from "../../client/received_frame.ts";
import { serverError } from "../../client/server_error.ts";
import type { Link } from "../../client/transport.ts";
import { ChatError, toChatError } from "../../core/chat_error.ts";
import type { ClientFrame, Item } from "../../gen/chatd/v1/session.ts";
import { encodeClientFrame } from "../../wire/client_frames.ts";
import { toWireError } from "../../wire/convert.ts";
import { maxFrameBytes } from "../../wire/limits.ts";
import type { BrokerConnection } from "../connection/broker_connection.ts";
import { mapChannelErrors, noServer, toChannelError } from "../connection/broker_errors.ts";
import {
  connectionHeader,
  leavingHeader,
  parseSequence,
  sequenceHeader,
  sessionHeader,
  sessionQueueHeader,
} from "../incoming.ts";
import { contentTypes, messageTypes } from "../message_types.ts";
import { directReplies, requestExchange, requestQueue } from "../topology.ts";

/** Interval of messages that keep the session alive, in milliseconds. */
const keepaliveMs = 10_000;
/** Time for the last messages to be sent, in milliseconds. */
const drainMs = 1_000;
/** Wait before a refused message is published again, in milliseconds. */
const retryMs = { initialMs: 50, maxMs: 2_000 };

export interface AmqpLinkOptions {
  /** Logs in to the broker with the token of the hello. */
  open(token: string, options: { name: string; signal: AbortSignal }): Promise<BrokerConnection>;
  /** Returns a more specific error, if the cause can be determined before an abort. Never rejects. */
  explain(error: ChatError, options: { signal: AbortSignal }): Promise<ChatError>;
  readonly signal: AbortSignal | undefined;
}

interface SessionAddress {
  readonly secret: string;
  /** The broker user of the server: frames of other senders are ignored. */
  readonly server: string;
}

/**
 * A client's end of one session, over its own connection. It connects at the hello, which has the token for the login.
 */
export class AmqpLink implements Link {
  readonly frames: AsyncIterable<ReceivedFrame>;
  readonly #options: AmqpLinkOptions;
  readonly #queue = new FrameQueue({ pause() {}, resume() {} });
  readonly #name = `chatd ${crypto.randomUUID()}`;
  readonly #abort = () => void this.close();
  readonly #correlationId = crypto.randomUUID();
  /** Request id of the hello, until it is answered. */
  #helloId: number | undefined;
  #connection: BrokerConnection | undefined;
  #channel: ConfirmChannel | undefined;
  #opening: Promise<void> | undefined;
  #session: SessionAddress | undefined;
  /** Messages published and received in the session, after the hello and its reply. */
  #published = 0;
  #received = 0;
  /** Encoded frames; their concatenation is one frame. */
  #waiting: Uint8Array[] = [];
  #publishing: Promise<void> | undefined;
  #keepaliveTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #ended = new AbortController();
  /** Aborts when the owner closes the link, which may have failed before. */
  readonly #closing = new AbortController();
  #explaining: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: AmqpLinkOptions) {
    this.#options = options;
    this.frames = this.#queue;
    options.signal?.addEventListener("abort", this.#abort, { once: true });
    if (options.signal?.aborted) this.#abort();
  }

  send(frame: ClientFrame): void {
    if (this.#ended.signal.aborted) return;
    if (this.#opening !== undefined) return this.sendBytes(encodeClientFrame(frame));
    this.#opening = this.#open(frame).catch((error) => this.#fail(toChatError(error)));
  }

  /** Sends encoded frames after the hello. */
  sendBytes(frame: Uint8Array): void {
    if (this.#ended.signal.aborted) return;
    this.#waiting.push(frame);
    this.#publishWaiting();
  }

  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #open(hello: ClientFrame): Promise<void> {
    const { id, kind } = hello.requests.at(0) ?? {};
    this.#helloId = id;
    if (kind?.$case !== "hello") {
      throw new ChatError("unauthenticated", "The first request of a session must be hello, with a token.");
    }
    const connection = await this.#options.open(kind.value.token, { name: this.#name, signal: this.#ended.signal });
    this.#connection = connection;
    // Closed meanwhile: `close` waits for this.
    if (this.#ended.signal.aborted) return;
    void connection.lost.then((error) => this.#fail(error));
    const channel = await connection.confirmChannel((error) => this.#fail(error));
    this.#channel = channel;
    channel.on("return", () => this.#fail(noServer()));
    const onReply = (message: ConsumeMessage | null) => this.#handleReply(message).catch((error) => this.#fail(error));
    await mapChannelErrors(connection.broker, () => channel.consume(directReplies, onReply, { noAck: true }));
    await this.#publish(encodeClientFrame(hello), { correlationId: this.#correlationId });
  }

  /** Handles the reply to the hello, and later errors about a session that the server no longer has. */
  async #handleReply(message: ConsumeMessage | null): Promise<void> {
    if (message === null || this.#ended.signal.aborted) return;
    const { properties, content } = message;
    const frame = decodeFrame(content);
    if (this.#session === undefined && properties.correlationId === this.#correlationId) {
      const { [sessionHeader]: secret, [sessionQueueHeader]: queue } = properties.headers ?? {};
      // A refused hello has no session.
      if (typeof secret === "string" && typeof queue === "string") {
        return await this.#join(frame, { secret, queue, server: properties.userId });
      }
    }
    this.#accept(frame);
  }

  async #join(reply: ReceivedFrame, { secret, queue, server }: SessionAddress & { queue: string }): Promise<void> {
    this.#session = { secret, server };
    // The reply is delivered once the queue is readable, and before frames from the queue.
    const early: ReceivedFrame[] = [];
    let take = (frame: ReceivedFrame): unknown => early.push(frame);
    try {
      await this.#channel!.consume(queue, (message) => this.#handleDelivery(message, (frame) => take(frame)), {
        noAck: true,
        exclusive: true,
      });
    } catch (cause) {
      // The session ended right away; the next hello gets the reason.
      throw new ChatError("unavailable", toChannelError(cause, this.#connection!.broker).message, { cause });
    }
    take = (frame) => this.#accept(frame);
    [reply, ...early].forEach(take);
    this.#scheduleKeepalive();
    this.#publishWaiting();
  }

  #handleDelivery(message: ConsumeMessage | null, take: (frame: ReceivedFrame) => unknown): void {
    if (message === null) return this.#fail(new ChatError("unavailable", "The server ended this session."));
    if (message.properties.userId !== this.#session?.server) return;
    try {
      const sequence = parseSequence(message.properties.headers?.[sequenceHeader]);
      // A message that the broker lost could have any content; resuming delivers it again.
      if (sequence !== undefined && sequence !== ++this.#received) throw lostMessage();
      take(decodeFrame(message.content));
    } catch (error) {
      this.#fail(toChatError(error));
    }
  }

  #accept(frame: ReceivedFrame): void {
    this.#helloId = undefined;
    this.#queue.push(frame);
    const last = frame.items.at(-1)?.kind;
    if (last?.$case === "sessionEnded") this.#fail(serverError(last.value.error));
  }

  #publishWaiting(): void {
    if (this.#session === undefined || this.#publishing !== undefined) return;
    this.#publishing = this.#publishAll()
      .catch((error) => this.#fail(toChatError(error)))
      .finally(() => {
        this.#publishing = undefined;
        if (this.#waiting.length > 0 && !this.#ended.signal.aborted) this.#publishWaiting();
      });
  }

  /**
   * Publishes one message at a time, because a refused message must not be overtaken. Frames that arrive meanwhile are
   * sent together.
   */
  async #publishAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      let bytes = 0;
      const count = this.#waiting.findIndex((frame) => (bytes += frame.length) > maxFrameBytes);
      const frames = this.#waiting.splice(0, count < 0 ? this.#waiting.length : Math.max(count, 1));
      await this.#publish(frames.length === 1 ? frames[0] : Buffer.concat(frames), {});
      this.#scheduleKeepalive();
    }
  }

  async #publish(bytes: Uint8Array, properties: { correlationId?: string; leaving?: boolean }) {
    const backoff = new Backoff(retryMs);
    const { leaving, ...rest } = properties;
    const headers = {
      [connectionHeader]: this.#name,
      ...(this.#session !== undefined && {
        [sessionHeader]: this.#session.secret,
        [sequenceHeader]: ++this.#published,
      }),
      ...(leaving === true && { [leavingHeader]: "1" }),
    };
    // The address identifies the channel of the hello, and receives errors about the session.
    const options = {
      replyTo: directReplies,
      ...rest,
      headers,
      userId: this.#connection!.user,
      contentType: contentTypes.protobuf,
      type: messageTypes.clientFrame,
      mandatory: true,
      persistent: false,
    };
    const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    while (!await this.#tryPublish(content, options)) {
      await new Promise((resolve) => setTimeout(resolve, backoff.next()));
      if (this.#ended.signal.aborted) return;
    }
  }

  /** Publishes a message. @returns whether the broker accepted it; it refuses while too many requests wait */
  #tryPublish(content: Buffer, options: object): Promise<boolean> {
    return new Promise((resolve, reject) => {
      try {
        this.#channel!.publish(requestExchange, requestQueue, content, options, (error) => {
          // After the link failed, nothing is published again.
          resolve(error === null || !this.#connection!.isOpen);
        });
      } catch (error) {
        reject(toChannelError(error, this.#connection!.broker));
      }
    });
  }

  #scheduleKeepalive(): void {
    clearTimeout(this.#keepaliveTimer);
    if (this.#ended.signal.aborted) return;
    this.#keepaliveTimer = setTimeout(() => {
      this.#waiting.push(new Uint8Array(0));
      this.#publishWaiting();
    }, keepaliveMs);
  }

  #fail(error: ChatError): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    clearTimeout(this.#keepaliveTimer);
    this.#explaining = this.#options.explain(error, { signal: this.#closing.signal }).then((explained) => {
      if (explained.code !== "unavailable") this.#answerHello(explained);
      this.#queue.fail(explained);
    });
  }

  /** Answers the hello in place of the server, which never received it because the broker refused the client. */
  #answerHello(error: ChatError): void {
    if (this.#helloId === undefined) return;
    const value = toWireError(error);
    const reply = { requestId: this.#helloId, result: { $case: "error" as const, value } };
    const items: Item[] = [
      { kind: { $case: "reply", value: reply } },
      { kind: { $case: "sessionEnded", value: { error: value } } },
    ];
    this.#queue.push({ items, through: 0, receipt: 0, bytes: 0 });
  }

  async #close(): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#abort);
    this.#closing.abort();
    const wasOpen = !this.#ended.signal.aborted;
    this.#queue.end();
    if (wasOpen && this.#session !== undefined) await this.#announceLeaving();
    this.#ended.abort();
    // Leaving publishes, which sets the timer again.
    clearTimeout(this.#keepaliveTimer);
    await this.#connection?.close();
    await this.#opening;
    await this.#explaining;
    await this.#connection?.close();
    await this.#publishing;
  }

  /** Sends waiting messages, then announces the end of the session. */
  async #announceLeaving(): Promise<void> {
    const sent = (async () => {
      while (this.#publishing !== undefined) await this.#publishing;
      await this.#publish(new Uint8Array(0), { leaving: true });
    })().catch(() => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, drainMs);
    await Promise.race([sent, promise]);
    clearTimeout(timer);
  }
}

function lostMessage(): ChatError {
  return new ChatError("unavailable", "The broker lost a message of the server.");
}
