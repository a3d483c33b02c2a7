import type { Identity } from "../core/accounts.ts";
import type { Chat } from "../core/chat.ts";
import { ChatError, toChatError } from "../core/chat_error.ts";
import type { Subscriber } from "../core/live_sessions.ts";
import type { Log } from "../core/log.ts";
import type { Message } from "../core/message.ts";
import type { SendRequest } from "../gen/chatd/v1/chat.ts";
import {
  type Ack,
  type Callback,
  type ClientFrame,
  DeliveryMode,
  type Hello,
  type Reply,
  type Request,
} from "../gen/chatd/v1/session.ts";
import { toSendResponse, toWireError } from "../wire/convert.ts";
import { parseConsumer, protocolVersions } from "../wire/limits.ts";
import { encodeItem } from "../wire/server_items.ts";
import { CallbackDelivery, type DialCallback } from "./callback_delivery.ts";
import { Delivery } from "./delivery.ts";
import { FrameWriter } from "./frame_writer.ts";
import { answer } from "./request_handlers.ts";
import { withDeadline } from "./with_deadline.ts";

/** What a server sends beyond what is acknowledged, in bytes: of deliveries, and of replies. */
const windowBytes = 256 * 1024;
const helloDeadlineMs = 10_000;
const dialDeadlineMs = 3_000;
const maxQueuedRequests = 1_024;
const maxQueuedBytes = 1024 * 1024;
const maxSendsInFlight = 256;

/** A transport's outgoing side of one session. */
export interface SessionPipe {
  /** Takes an encoded `ServerFrame`. Throws nothing; a pipe that broke says so through `Session.disconnected`. */
  send(frame: Uint8Array): void;
  /** No frame comes after this. `reason` undefined: the client left. */
  end(reason: ChatError | undefined): void;
}

export interface SessionOptions {
  chat: Chat;
  log: Log;
  pipe: SessionPipe;
  /** Names of the server program and version. */
  server: string;
  /** For the log. */
  peer: { transport: string; address: string };
  /** Absent when this transport or configuration has no callback delivery. */
  dialCallback?: DialCallback;
  /** Runs a callback after the input that is ready now has been read. */
  defer(callback: () => void): void;
  /** The client has logged in. */
  onHello?(): void;
}

type ReplyResult = NonNullable<Reply["result"]>;

/** A server's side of one live session: hello, requests in order, replies, and deliveries. The same on every transport. */
export class Session {
  readonly id: string = crypto.randomUUID();
  readonly #options: SessionOptions;
  readonly #writer: FrameWriter;
  readonly #helloTimer: ReturnType<typeof setTimeout>;
  #subscriber: Subscriber | undefined;
  #delivery: Delivery | undefined;
  /** Where deliveries are written: with the replies, or for the callback. */
  #deliveries: FrameWriter;
  #callback: CallbackDelivery | undefined;
  readonly #ended = new AbortController();

  #queue: { request: Request; bytes: number }[] = [];
  #queuedBytes = 0;
  #draining = false;
  #sendsInFlight = 0;
  #repliesOutstanding: { requestId: number; bytes: number }[] = [];
  #replyBytes = 0;
  #logOutRequestId: number | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#writer = new FrameWriter({ send: (frame) => options.pipe.send(frame), defer: options.defer });
    this.#deliveries = this.#writer;
    this.#helloTimer = setTimeout(
      () => this.end(new ChatError("unauthenticated", "No hello came within 10 s: connect and log in again.")),
      helloDeadlineMs,
    );
  }

  /** Takes a frame from the client that was `bytes` long. */
  receive(frame: ClientFrame, bytes: number): void {
    const share = bytes / Math.max(1, frame.requests.length);
    for (const request of frame.requests) {
      if (this.#ended.signal.aborted) return;
      if (request.kind?.$case === "ack") this.#acknowledge(request.kind.value);
      else this.#enqueue(request, share);
    }
    void this.#drain();
  }

  /** The client is gone, or left. */
  disconnected(): void {
    this.#finish(undefined);
  }

  /** Tells the client why, and ends. Idempotent. */
  end(reason: ChatError): void {
    if (this.#ended.signal.aborted) return;
    if (this.#logOutRequestId !== undefined) this.#reply(this.#logOutRequestId, { $case: "logOut", value: {} });
    this.#writer.add(encodeItem({ $case: "sessionEnded", value: { error: toWireError(reason) } }));
    this.#writer.flush();
    this.#finish(reason);
  }

  #finish(reason: ChatError | undefined): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    clearTimeout(this.#helloTimer);
    this.#queue = [];
    this.#delivery?.close();
    this.#callback?.close();
    if (this.#subscriber !== undefined) this.#options.chat.unsubscribe(this.#subscriber);
    this.#options.pipe.end(reason);
    const user = this.#subscriber?.identity.user;
    if (user !== undefined) this.#options.log.info("session ended", { session: this.id, user, reason: reason?.code });
  }

  #enqueue(request: Request, bytes: number): void {
    this.#queuedBytes += bytes;
    this.#queue.push({ request, bytes });
    if (this.#queue.length > maxQueuedRequests || this.#queuedBytes > maxQueuedBytes) {
      this.end(
        new ChatError(
          "slow_consumer",
          `${this.#queue.length} requests wait: read the replies, acknowledge them (Ack.reply), and send less at once.`,
        ),
      );
    }
  }

  /** Requests are begun one after the other, in order; only sends overlap, because they are committed together. */
  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    while (this.#replyBytes < windowBytes && this.#sendsInFlight < maxSendsInFlight) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      this.#queuedBytes -= next.bytes;
      try {
        await this.#handle(next.request);
      } catch (error) {
        this.#refuse(next.request.id, error);
      }
    }
    this.#draining = false;
  }

  async #handle({ id, kind }: Request): Promise<void> {
    if (this.#subscriber === undefined) {
      if (kind?.$case !== "hello") {
        throw new ChatError("unauthenticated", "The first request of a session must be hello, with a token.");
      }
      return await this.#hello(id, kind.value);
    }
    const { chat } = this.#options;
    const { identity } = this.#subscriber;
    chat.admit(identity.user);
    if (kind === undefined || kind.$case === "ack") {
      throw new ChatError("invalid_argument", "This server does not know this kind of request.");
    }
    if (kind.$case === "hello") throw new ChatError("invalid_argument", "This session has had its hello already.");
    if (kind.$case === "send") return await this.#send(id, kind.value);
    if (kind.$case === "logOut") this.#logOutRequestId = id;
    // A request and its reply have the same $case, which TypeScript cannot follow through the union.
    const value = await answer(kind.$case, { chat, identity }, kind.value as never);
    this.#reply(id, { $case: kind.$case, value } as ReplyResult);
  }

  async #send(id: number, request: SendRequest): Promise<void> {
    const { chat } = this.#options;
    const draft = await chat.check(this.#subscriber!.identity.user, request);
    this.#sendsInFlight += 1;
    chat.submit(draft, this.#subscriber)
      .then((accepted) => this.#reply(id, { $case: "send", value: toSendResponse(accepted) }))
      .catch((error) => this.#refuse(id, error))
      .finally(() => {
        this.#sendsInFlight -= 1;
        void this.#drain();
      });
  }

  async #hello(id: number, hello: Hello): Promise<void> {
    const { chat, log, peer, server } = this.#options;
    const { min, max } = protocolVersions;
    if (hello.protocolVersion < min || hello.protocolVersion > max) {
      const spoken = min === max ? `version ${min}` : `versions ${min} to ${max}`;
      throw new ChatError(
        "unsupported_version",
        `This server speaks protocol ${spoken}, not ${hello.protocolVersion}: use a client that does.`,
      );
    }
    const consumer = parseConsumer(hello.consumer);
    if (hello.callback !== undefined) checkCallback(hello.callback);
    const stored = await chat.openConsumer(await chat.accounts.authenticate(hello.token), consumer);
    const resumeAfter = hello.epoch === chat.epoch ? Math.min(hello.resumeAfter, chat.head) : 0;
    const cursor = Math.max(stored, resumeAfter);
    // The token may have been revoked while the consumer was opened: from here on the session is told.
    const identity = await chat.accounts.authenticate(hello.token, (identity) => {
      if (!this.#ended.signal.aborted) this.#subscribe({ identity, consumer, cursor });
    });
    if (this.#ended.signal.aborted) return;
    clearTimeout(this.#helloTimer);
    this.#options.onHello?.();
    log.info("session started", {
      session: this.id,
      user: identity.user,
      device: identity.deviceId,
      consumer,
      client: hello.client.slice(0, 64),
      ...peer,
    });
    this.#reply(id, {
      $case: "hello",
      value: {
        user: identity.user,
        deviceId: identity.deviceId,
        epoch: chat.epoch,
        cursor,
        head: chat.head,
        protocolMin: min,
        protocolMax: max,
        server,
        windowBytes,
      },
    });
    if (hello.callback === undefined) this.#delivery!.start();
    else void this.#deliverByCallback(hello.callback);
    for (const user of await chat.presence.onlinePeers(identity.user)) this.#tellPresence(user, true);
  }

  #subscribe({ identity, consumer, cursor }: { identity: Identity; consumer: string; cursor: number }): void {
    const { chat } = this.#options;
    const delivery = new Delivery({
      cursor,
      head: chat.head,
      windowBytes,
      read: (after, limits) => chat.messagesAfter(identity.user, after, limits),
      send: (item, through) => this.#deliveries.add(item, through),
      passed: (through) => this.#deliveries.passed(through),
      failed: (error) => this.#fail(error),
    });
    const subscriber: Subscriber = {
      identity,
      consumer,
      offer: (message: Message, own: boolean) => delivery.offer(message, own),
      tellPresence: (user, online) => this.#tellPresence(user, online),
      end: (reason) => this.end(reason),
    };
    this.#delivery = delivery;
    this.#subscriber = subscriber;
    chat.subscribe(subscriber);
  }

  async #deliverByCallback(wanted: Callback): Promise<void> {
    const { dialCallback, defer } = this.#options;
    const channel = dialCallback === undefined ? undefined : await withDeadline(
      { ms: dialDeadlineMs, parent: this.#ended.signal },
      (signal) => dialCallback(wanted, { signal }),
    ).catch(() => undefined);
    if (this.#ended.signal.aborted) return channel?.close();
    if (channel === undefined) {
      const why = dialCallback === undefined
        ? "This server does not call back"
        : "The server could not call this client back";
      this.#tellDelivery(DeliveryMode.STREAM, `${why}: messages come over the client's own connection.`);
    } else {
      const callback = new CallbackDelivery({
        channel,
        delivered: (through) => this.#delivered(through),
        failed: () => {
          this.#deliveries = this.#writer;
          this.#tellDelivery(
            DeliveryMode.STREAM,
            "The server's calls to this client failed: messages come over the client's own connection.",
          );
          this.#delivery!.rewind();
        },
      });
      this.#callback = callback;
      this.#deliveries = new FrameWriter({ send: (frame, through) => callback.send(frame, through), defer });
      this.#tellDelivery(DeliveryMode.CALLBACK, "");
    }
    this.#delivery!.start();
  }

  #tellDelivery(mode: DeliveryMode, reason: string): void {
    if (!this.#ended.signal.aborted) {
      this.#writer.add(encodeItem({ $case: "deliveryChanged", value: { mode, reason } }));
    }
  }

  #acknowledge(ack: Ack): void {
    if (this.#delivery === undefined) return;
    this.#delivered(ack.position);
    let count = 0;
    while (count < this.#repliesOutstanding.length && this.#repliesOutstanding[count].requestId <= ack.reply) {
      this.#replyBytes -= this.#repliesOutstanding[count++].bytes;
    }
    this.#repliesOutstanding.splice(0, count);
  }

  #delivered(position: number): void {
    const acknowledged = this.#delivery!.acknowledge(position);
    if (acknowledged !== undefined) this.#options.chat.acknowledge(this.#subscriber!, acknowledged);
  }

  #reply(requestId: number, result: ReplyResult): void {
    if (this.#ended.signal.aborted) return;
    const item = encodeItem({ $case: "reply", value: { requestId, result } });
    this.#replyBytes += item.length;
    this.#repliesOutstanding.push({ requestId, bytes: item.length });
    this.#writer.add(item);
  }

  #refuse(requestId: number, thrown: unknown): void {
    if (this.#ended.signal.aborted) return;
    const error = toChatError(thrown);
    if (error.code === "internal") this.#logFailure("request failed", thrown);
    this.#reply(requestId, { $case: "error", value: toWireError(error) });
    if (this.#subscriber === undefined) this.end(error);
  }

  #fail(error: unknown): void {
    this.#logFailure("delivery failed", error);
    this.end(toChatError(error));
  }

  #logFailure(event: string, error: unknown): void {
    this.#options.log.error(event, { session: this.id, user: this.#subscriber?.identity.user, error });
  }

  #tellPresence(user: string, online: boolean): void {
    if (!this.#ended.signal.aborted) this.#writer.add(encodeItem({ $case: "presence", value: { user, online } }));
  }
}

function checkCallback({ port, certificate, secret }: Callback): void {
  if (port < 1024 || port > 65535) {
    throw new ChatError("invalid_argument", `The callback port is ${port}: it must be 1024 to 65535.`);
  }
  if (certificate.length === 0 || certificate.length > 8192) {
    throw new ChatError("invalid_argument", "The callback certificate must be one X.509 certificate of at most 8 KiB.");
  }
  if (secret.length < 16 || secret.length > 64) {
    throw new ChatError("invalid_argument", `The callback secret has ${secret.length} bytes: it must have 16 to 64.`);
  }
}
