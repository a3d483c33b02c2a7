import { ChatError } from "../../core/chat_error.ts";
import type { ClientFrame } from "../../gen/chatd/v1/session.ts";
import { Session } from "../../session/session.ts";
import type { SessionDependencies } from "../../session/session_dependencies.ts";
import { type Incoming, type ReplyAddress, sequenceHeader, sessionHeader, sessionQueueHeader } from "../incoming.ts";
import { messageTypes, type PayloadFormat } from "../message_types.ts";
import { encodePayload, endingFrame, serverFrames } from "../payload.ts";
import type { ClientConnection } from "../senders/known_channels.ts";
import type { DirectReplies } from "./direct_replies.ts";
import type { Outgoing, Publisher } from "./publisher.ts";

const frameType = messageTypes.serverFrame;

export interface BrokerSessionOptions {
  readonly shared: SessionDependencies;
  readonly publisher: Publisher;
  /** Sends the reply to the hello. */
  readonly replies: DirectReplies;
  /** The message with the hello. */
  readonly hello: Incoming;
  readonly address: ReplyAddress;
  /** The connection that sent the hello, if the broker has reported it. */
  readonly clientConnection: ClientConnection | undefined;
  readonly queue: string;
  /**
   * Declares the queue; called once, after the hello was accepted, so that a refused one costs the broker no queue.
   * @throws {ChatError}
   */
  declare(): Promise<void>;
  /** Called once, when no further frame will be published. */
  onEnded(session: BrokerSession, reason: ChatError | undefined): void;
}

/**
 * A live session with its own queue for frames. The reply to its hello goes to the address in the hello, and contains
 * the name of the queue and the secret that all further messages of the session must carry.
 */
export class BrokerSession {
  readonly secret: string = crypto.getRandomValues(new Uint8Array(16)).toHex();
  readonly queue: string;
  /** The broker user who sent the hello. */
  readonly user: string;
  /** Address of the reply to the hello. */
  readonly replyTo: string | undefined;
  /** The connection that sent the hello, if the broker has reported it. */
  readonly clientConnection: ClientConnection | undefined;
  /** The name of its connection that the client claims. */
  readonly connection: string | undefined;
  /** Time of the client's last message, by `performance.now`. */
  lastReceivedAt: number = performance.now();
  readonly #format: PayloadFormat;
  readonly #session: Session;
  readonly #options: BrokerSessionOptions;
  readonly #welcomed = Promise.withResolvers<void>();
  #isFirst = true;
  /** Set while the queue is being declared; replies wait. */
  #opening: Promise<void> | undefined;
  #waiting: Outgoing[] = [];
  #hasQueue = false;
  /** Messages received from the client, if it counts them, and sent to it, after the hello and its reply. */
  #receivedCount = 0;
  #sentCount = 0;
  /** Octets of messages that the broker has not confirmed. */
  #unconfirmedBytes = 0;
  #onConfirmed: (() => void) | undefined;

  constructor(options: BrokerSessionOptions) {
    const { shared, hello, address, queue } = options;
    this.#options = options;
    this.queue = queue;
    this.user = hello.user;
    this.replyTo = address.replyTo;
    this.clientConnection = options.clientConnection;
    this.connection = hello.connection;
    this.#format = hello.format;
    this.#session = new Session(shared, {
      address: hello.connection ?? "",
      onHello: () => this.#opening = this.#open(),
      send: (frame) => this.#send(frame.toBytes()),
      unsentBytes: () => this.#unconfirmedBytes,
      end: (reason) => {
        if (this.#opening === undefined || this.#hasQueue) this.#end(reason);
        else void this.#opening.then(() => this.#end(reason));
      },
    });
  }

  /** Whether the client may have a queue to read. */
  get hasQueue(): boolean {
    return this.#hasQueue;
  }

  /** Resolves when the reply to the hello is on its way, or the session has ended. */
  get welcomed(): Promise<void> {
    return this.#welcomed.promise;
  }

  /** Resolves when the broker has confirmed all messages of an ended session, or the channel has closed. Called once. */
  confirmed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#unconfirmedBytes === 0) resolve();
      else this.#onConfirmed = resolve;
    });
  }

  /**
   * Detects lost messages of a client that counts them; they may have expired in the broker.
   * @throws {ChatError} `unavailable` when one is missing, `invalid_argument` when one is repeated
   */
  checkSequence(sequence: number | undefined): void {
    if (sequence === undefined) return;
    if (sequence <= this.#receivedCount) {
      throw new ChatError("invalid_argument", `Message ${sequence} of this session is a duplicate.`);
    }
    this.#receivedCount++;
    if (sequence === this.#receivedCount) return;
    const lost = sequence - this.#receivedCount === 1
      ? `${this.#receivedCount}`
      : `${this.#receivedCount} to ${sequence - 1}`;
    throw new ChatError(
      "unavailable",
      `Message ${lost} of this session was lost in the broker. Reconnect, and resend unanswered requests.`,
    );
  }

  receive(frame: ClientFrame, bytes: number): void {
    this.lastReceivedAt = performance.now();
    this.#session.receive(frame, bytes);
  }

  receiveEncoded(frame: Uint8Array): void {
    this.lastReceivedAt = performance.now();
    this.#session.receiveEncoded(frame);
  }

  /** Ends the session once its requests are answered; the client sends no more. */
  leave(): void {
    this.#session.leave();
  }

  end(reason: ChatError): void {
    this.#session.end(reason);
  }

  /** Ends the session because its queue has no reader. */
  disconnected(): void {
    this.#session.disconnected();
  }

  async #open(): Promise<void> {
    try {
      await this.#options.declare();
      this.#hasQueue = true;
    } catch (error) {
      this.#waiting = [];
      this.#replyWithoutSession(
        this.#message(encodePayload(endingFrame(error), { name: frameType, format: this.#format })),
      );
      return this.#session.disconnected();
    }
    for (const message of this.#waiting.splice(0)) this.#deliver(message);
  }

  #end(reason: ChatError | undefined): void {
    this.#welcomed.resolve();
    this.#options.onEnded(this, reason);
  }

  #send(frame: Uint8Array): void {
    for (const content of serverFrames(frame, this.#format)) {
      const message = this.#message(content);
      if (this.#hasQueue) this.#deliver(message);
      else if (this.#opening !== undefined) this.#waiting.push(message);
      else this.#replyWithoutSession(message);
    }
  }

  #message(content: Buffer): Outgoing {
    return { type: frameType, format: this.#format, content };
  }

  /** Replies without a session. */
  #replyWithoutSession(message: Outgoing): void {
    const { replies, address } = this.#options;
    replies.send({ sender: this.user, address, message });
    this.#welcomed.resolve();
  }

  #deliver(message: Outgoing): void {
    const { replies, address } = this.#options;
    if (!this.#isFirst) return this.#publish(message);
    this.#isFirst = false;
    const headers = { [sessionHeader]: this.secret, [sessionQueueHeader]: this.queue };
    replies.send({ sender: this.user, address, message, headers, onDropped: () => this.#session.disconnected() });
    this.#welcomed.resolve();
  }

  #publish(message: Outgoing): void {
    const { length } = message.content;
    this.#unconfirmedBytes += length;
    const onConfirmed = (isTaken: boolean) => {
      this.#unconfirmedBytes -= length;
      if (!isTaken) this.#session.disconnected();
      else if (this.#unconfirmedBytes === 0) this.#session.drained();
      if (this.#unconfirmedBytes === 0) this.#onConfirmed?.();
    };
    this.#options.publisher.publishTo(this.queue, message, {
      headers: { [sequenceHeader]: ++this.#sentCount },
      onConfirmed,
    });
  }
}
