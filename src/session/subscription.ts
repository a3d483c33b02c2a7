import type { Identity } from "../core/accounts/accounts.ts";
import { ChatError, toChatError } from "../core/chat_error.ts";
import type { Message } from "../core/messages/message.ts";
import type { MessageBatch } from "../core/messages/message_store.ts";
import type { Subscriber } from "../core/people/live_sessions.ts";
import type { Notice } from "../core/people/notice.ts";
import type { Callback } from "../gen/chatd/v1/session.ts";
import { encodeNoticeItem } from "../wire/server_items.ts";
import type { SessionStream } from "./session_stream.ts";
import { Delivery, type DeliveryHost, type ReadLimits } from "./delivery.ts";
import { DeliveryRoute } from "./delivery_route.ts";
import type { FrameContent } from "./frame_writer.ts";
import type { SessionDependencies } from "./session_dependencies.ts";
import { type TokenHolder, TokenRenewals } from "./token_renewals.ts";

/** Interval in which a session renews its token, in milliseconds. A token lives for months. */
const renewIntervalMs = 24 * 60 * 60 * 1000;

/** Token renewals of all sessions of this process. */
const tokenRenewals = new TokenRenewals(renewIntervalMs);

/** The session that a subscription is part of. */
export interface SubscribedSession {
  /** Ends the session, and tells the client the reason. */
  end(reason: ChatError): void;
  logFailure(event: string, error: unknown): void;
}

export interface SubscriptionOptions {
  readonly shared: SessionDependencies;
  readonly session: SubscribedSession;
  /** The client's own connection. */
  readonly stream: SessionStream;
  readonly identity: Identity;
  readonly consumer: string;
  readonly protocolVersion: number;
  /** Delivery starts after this position. */
  readonly cursor: number;
  /** The newest position in the store. */
  readonly head: number;
}

/**
 * The part of a session from its hello to its end: passes messages and notices from the core to the client, and the
 * client's acknowledgements to the core.
 */
export class Subscription implements Subscriber, DeliveryHost, TokenHolder {
  readonly identity: Identity;
  readonly consumer: string;
  readonly #shared: SessionDependencies;
  readonly #session: SubscribedSession;
  readonly #stream: SessionStream;
  readonly #protocolVersion: number;
  readonly #head: number;
  readonly #delivery: Delivery;
  /** The route of deliveries to a client that asked for callbacks; absent when they take the stream. */
  #route: DeliveryRoute | undefined;

  constructor(options: SubscriptionOptions) {
    this.identity = options.identity;
    this.consumer = options.consumer;
    this.#shared = options.shared;
    this.#session = options.session;
    this.#stream = options.stream;
    this.#protocolVersion = options.protocolVersion;
    this.#head = options.head;
    const { cursor, head } = options;
    this.#delivery = new Delivery(this, { cursor, head, windowBytes: this.#stream.windowBytes });
  }

  /** Begins to deliver messages: by calls to the client at `address` if it asks for them and can be reached. */
  start(callback: Callback | undefined, address: string): void {
    tokenRenewals.add(this);
    if (callback === undefined) this.#delivery.start();
    else void this.#callBack(callback, address);
    this.#sendPresence().catch((error) => this.#session.logFailure("presence could not be told", error));
  }

  close(): void {
    tokenRenewals.delete(this);
    this.#delivery.close();
    this.#route?.close();
  }

  offer(message: Message, own: boolean): void {
    this.#delivery.offer(message, own);
  }

  lookUp(position: number): void {
    this.#delivery.lookUp(position);
  }

  notify(notice: Notice): void {
    if (this.#protocolVersion < 2 && notice.kind !== "presence") return;
    // Notices are lossy, and may not take the room of replies.
    if (this.#stream.otherBytes >= this.#stream.windowBytes / 2) return;
    this.#stream.writer.add(encodeNoticeItem(notice));
  }

  end(reason: ChatError): void {
    this.#session.end(reason);
  }

  /** Notes that the client has the content of a frame. */
  acknowledge({ through, deliveryBytes }: FrameContent): void {
    const acknowledged = this.#delivery.acknowledge(through, deliveryBytes);
    if (acknowledged !== undefined) this.#shared.chat.acknowledge(this, acknowledged);
  }

  read(after: number, limits: ReadLimits): Promise<MessageBatch> {
    return this.#shared.chat.messagesAfter(this.identity.user, after, limits);
  }

  supports({ event }: Message): boolean {
    return event === undefined || this.#protocolVersion >= 2;
  }

  send(item: Uint8Array, { position, acceptedAt }: Message): void {
    (this.#route ?? this.#stream.writer).deliver(item, position);
    if (position > this.#head) this.#shared.chat.metrics.delivered(acceptedAt);
  }

  advance(through: number, settled: boolean): void {
    (this.#route ?? this.#stream.writer).advance(through, settled);
  }

  onFailed(error: unknown): void {
    this.#session.logFailure("delivery failed", error);
    this.end(toChatError(error));
  }

  async renewToken(): Promise<void> {
    await this.#shared.chat.renew(this);
  }

  onRenewalFailed(error: unknown): void {
    if (error instanceof ChatError) this.end(error);
    else this.#session.logFailure("a token was not renewed", error);
  }

  async #callBack(callback: Callback, address: string): Promise<void> {
    this.#route = new DeliveryRoute({
      stream: this.#stream.writer,
      dialCallback: this.#shared.dialCallback?.(address),
      defer: this.#shared.defer,
      onDelivered: (content) => this.acknowledge(content),
      onLost: () => this.#delivery.rewind(),
    });
    await this.#route.callBack(callback);
    this.#delivery.start();
  }

  async #sendPresence(): Promise<void> {
    const peers = await this.#shared.chat.presence.peersPresent(this.identity.user);
    for (const peer of peers) this.notify({ kind: "presence", ...peer });
  }
}
