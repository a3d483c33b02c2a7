import type { ConfirmChannel, ConsumeMessage } from "amqplib";
import { Backoff } from "../client/backoff.ts";
import { FrameQueue } from "../client/frame_queue.ts";
import { serverError } from "../client/server_error.ts";
import type { Link } from "../client/transport.ts";
import { ChatError, toChatError } from "../core/chat_error.ts";
import { type ClientFrame, type Item, ServerFrame } from "../gen/chatd/v1/session.ts";
import { encodeClientFrame } from "../wire/client_frames.ts";
import { toWireError } from "../wire/convert.ts";
import { maxFrameBytes } from "../wire/limits.ts";
import { decodeStrictly } from "../wire/strict_reader.ts";
import type { BrokerConnection } from "./broker_connection.ts";
import { noServer, toChannelError } from "./broker_errors.ts";
import {
  connectionHeader,
  leavingHeader,
  parseSequence,
  sequenceHeader,
  sessionHeader,
  sessionQueueHeader,
} from "./incoming.ts";
import { contentTypes, messageTypes } from "./message_types.ts";
import { directReplies, requestExchange, requestQueue } from "./topology.ts";

/** Something is sent this often, in milliseconds, so that the server knows that the client lives. */
const aliveMs = 10_000;
/** How long the last messages may take to be sent, in milliseconds. */
const drainMs = 1_000;
/** Longest wait before a message that the broker refused is offered to it again, in milliseconds. */
const retryMs = { initialMs: 50, maxMs: 2_000 };

export interface AmqpLinkOptions {
  /** Logs in to the broker with the token of the hello. */
  open(token: string, options: { name: string; signal: AbortSignal }): Promise<BrokerConnection>;
  /** Why it failed, when more can be found out. */
  explain(error: ChatError): Promise<ChatError>;
  readonly signal: AbortSignal | undefined;
}

interface SessionAddress {
  readonly secret: string;
  /** The broker's name of the server: frames of any other sender are ignored. */
  readonly server: string;
}

/** A client's end of one session, over a connection of its own, which is opened for the hello: it holds the token to log in with. */
export class AmqpLink implements Link {
  readonly frames: AsyncIterable<ServerFrame>;
  readonly #options: AmqpLinkOptions;
  readonly #queue = new FrameQueue({ pause() {}, resume() {} });
  readonly #name = `chatd ${crypto.randomUUID()}`;
  readonly #abort = () => void this.close();
  readonly #correlationId = crypto.randomUUID();
  /** Until it is answered. */
  #helloId: number | undefined;
  #connection: BrokerConnection | undefined;
  #channel: ConfirmChannel | undefined;
  #opening: Promise<void> | undefined;
  #session: SessionAddress | undefined;
  /** Messages of the session that were published, and that came, after the hello and its reply. */
  #published = 0;
  #received = 0;
  /** Encoded frames; joined, they are one frame. */
  #waiting: Uint8Array[] = [];
  #publishing: Promise<void> | undefined;
  #aliveTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #ended = new AbortController();
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

  /** Takes what comes after the hello as it goes over the wire. */
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
    await this.#asking(() =>
      channel.consume(directReplies, (message) => this.#replied(message).catch((error) => this.#fail(error)), {
        noAck: true,
      })
    );
    await this.#publish(encodeClientFrame(hello), { correlationId: this.#correlationId });
  }

  /** The reply to the hello; later, what the server has to say of a session that it does not have any more. */
  async #replied(message: ConsumeMessage | null): Promise<void> {
    if (message === null || this.#ended.signal.aborted) return;
    const { properties, content } = message;
    const frame = decodeStrictly(ServerFrame, content);
    if (this.#session === undefined && properties.correlationId === this.#correlationId) {
      const { [sessionHeader]: secret, [sessionQueueHeader]: queue } = properties.headers ?? {};
      // A hello that was refused has no session.
      if (typeof secret === "string" && typeof queue === "string") {
        return await this.#join(frame, { secret, queue, server: properties.userId });
      }
    }
    this.#take(frame);
  }

  async #join(reply: ServerFrame, { secret, queue, server }: SessionAddress & { queue: string }): Promise<void> {
    this.#session = { secret, server };
    // The reply is passed on when the queue is ours to read, and comes before what is in it.
    const early: ServerFrame[] = [];
    let take = (frame: ServerFrame): unknown => early.push(frame);
    try {
      await this.#channel!.consume(queue, (message) => this.#delivered(message, (frame) => take(frame)), {
        noAck: true,
        exclusive: true,
      });
    } catch (cause) {
      // The session ended right away; the next hello is told why.
      throw new ChatError("unavailable", toChannelError(cause, this.#connection!.broker).message, { cause });
    }
    take = (frame) => this.#take(frame);
    [reply, ...early].forEach(take);
    this.#stayAlive();
    this.#publishWaiting();
  }

  #delivered(message: ConsumeMessage | null, take: (frame: ServerFrame) => unknown): void {
    if (message === null) return this.#fail(new ChatError("unavailable", "The server gave up this session."));
    if (message.properties.userId !== this.#session?.server) return;
    try {
      const sequence = parseSequence(message.properties.headers?.[sequenceHeader]);
      // One that the broker lost could hold anything; resuming brings it again.
      if (sequence !== undefined && sequence !== ++this.#received) throw lostMessage();
      take(decodeStrictly(ServerFrame, message.content));
    } catch (error) {
      this.#fail(toChatError(error));
    }
  }

  #take(frame: ServerFrame): void {
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

  /** One after the other, so that what the broker refuses is not overtaken; what came meanwhile goes together. */
  async #publishAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      let bytes = 0;
      const count = this.#waiting.findIndex((frame) => (bytes += frame.length) > maxFrameBytes);
      const frames = this.#waiting.splice(0, count < 0 ? this.#waiting.length : Math.max(count, 1));
      await this.#publish(frames.length === 1 ? frames[0] : Buffer.concat(frames), {});
      this.#stayAlive();
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
    // The address tells the server that it is the channel of the hello, and errors about the session come back there.
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
    while (!await this.#offer(content, options)) {
      await new Promise((resolve) => setTimeout(resolve, backoff.next()));
      if (this.#ended.signal.aborted) return;
    }
  }

  /** @returns whether the broker took it: it does not while too many requests wait for the server. */
  #offer(content: Buffer, options: object): Promise<boolean> {
    return new Promise((resolve, reject) => {
      try {
        this.#channel!.publish(requestExchange, requestQueue, content, options, (error) => {
          // When the link fails, nothing needs to be offered again.
          resolve(error === null || !this.#connection!.isOpen);
        });
      } catch (error) {
        reject(toChannelError(error, this.#connection!.broker));
      }
    });
  }

  #stayAlive(): void {
    clearTimeout(this.#aliveTimer);
    if (this.#ended.signal.aborted) return;
    this.#aliveTimer = setTimeout(() => {
      this.#waiting.push(new Uint8Array(0));
      this.#publishWaiting();
    }, aliveMs);
  }

  async #asking<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw toChannelError(error, this.#connection!.broker);
    }
  }

  #fail(error: ChatError): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    clearTimeout(this.#aliveTimer);
    void this.#options.explain(error).then((explained) => {
      if (explained.code !== "unavailable") this.#answerHello(explained);
      this.#queue.fail(explained);
    });
  }

  /** A broker that refuses a client speaks for the server, which never sees their hello. */
  #answerHello(error: ChatError): void {
    if (this.#helloId === undefined) return;
    const value = toWireError(error);
    const reply = { requestId: this.#helloId, result: { $case: "error" as const, value } };
    const items: Item[] = [
      { kind: { $case: "reply", value: reply } },
      { kind: { $case: "sessionEnded", value: { error: value } } },
    ];
    this.#queue.push({ items, through: 0, receipt: 0 });
  }

  async #close(): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#abort);
    const wasOpen = !this.#ended.signal.aborted;
    this.#queue.end();
    if (wasOpen && this.#session !== undefined) await this.#leave();
    this.#ended.abort();
    // Leaving publishes, which sets the timer again.
    clearTimeout(this.#aliveTimer);
    await this.#connection?.close();
    await this.#opening;
    await this.#connection?.close();
    await this.#publishing;
  }

  /** Says what was still to be said, and that nothing follows. */
  async #leave(): Promise<void> {
    const said = (async () => {
      while (this.#publishing !== undefined) await this.#publishing;
      await this.#publish(new Uint8Array(0), { leaving: true });
    })().catch(() => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, drainMs);
    await Promise.race([said, promise]);
    clearTimeout(timer);
  }
}

function lostMessage(): ChatError {
  return new ChatError("unavailable", "A message of the server was lost in the broker.");
}
