import type { Identity } from "../core/accounts.ts";
import type { Chat } from "../core/chat.ts";
import { ChatError, toChatError } from "../core/chat_error.ts";
import type { Subscriber } from "../core/live_sessions.ts";
import type { Log } from "../core/log.ts";
import type { Message } from "../core/message.ts";
import type { Notice } from "../core/notice.ts";
import type { CheckedDraft } from "../core/posting.ts";
import type { ClientFrame, Hello, Reply, Request } from "../gen/chatd/v1/session.ts";
import { toWireError } from "../wire/convert.ts";
import { protocolVersions } from "../wire/limits.ts";
import { parseHello } from "../wire/parse_hello.ts";
import { encodeItem, encodeNoticeItem, encodeSendReply, encodeServerFrame } from "../wire/server_items.ts";
import type { DialCallback } from "./callback_delivery.ts";
import { Delivery } from "./delivery.ts";
import { DeliveryRoute } from "./delivery_route.ts";
import { type FrameContent, FrameWriter } from "./frame_writer.ts";
import { costOf } from "./request_costs.ts";
import { answer } from "./request_handlers.ts";
import { RequestQueue } from "./request_queue.ts";
import { judgeResume, type Resume } from "./resume.ts";
import { nothingNew, SentFrames } from "./sent_frames.ts";

const standardWindowBytes = 256 * 1024;
const helloDeadlineMs = 10_000;
const maxSendsInFlight = 256;
/** Empty frames and repeated acknowledgements that a client may send in a row: they cost no tokens. */
export const maxIdleFrames = 1_000;
/** How often a session renews the token that it began with. A token lives for months; a timer, for 24 days at most. */
const renewIntervalMs = 24 * 60 * 60 * 1000;

/** A transport's outgoing side of one session. */
export interface SessionPipe {
  /** Takes an encoded `ServerFrame`. Throws nothing; a pipe that broke says so through `Session.disconnected`. */
  send(frame: Uint8Array): void;
  /** Returns the octets of frames that have not left yet. The pipe reports when all have left by `Session.drained`. */
  unsentBytes(): number;
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
  /**
   * What is sent beyond what is acknowledged, in bytes: of deliveries, and of all else. More than the largest item; 256 KiB
   * unless given.
   */
  windowBytes?: number;
  /** The client has logged in. @throws {ChatError} the refusal of its hello */
  onHello?(identity: Identity): void;
}

type ReplyResult = NonNullable<Reply["result"]>;

/** A server's side of one live session: hello, requests in order, replies, and deliveries. The same on every transport. */
export class Session {
  readonly id: string = crypto.randomUUID();
  readonly #options: SessionOptions;
  readonly #writer: FrameWriter;
  #helloTimer: ReturnType<typeof setTimeout> | undefined;
  #subscriber: Subscriber | undefined;
  #protocolVersion = 0;
  #delivery: Delivery | undefined;
  readonly #route: DeliveryRoute;
  #ended = false;

  readonly #requests = new RequestQueue();
  readonly #windowBytes: number;
  readonly #sent = new SentFrames();
  /** Empty frames and repeated acknowledgements since the last progress. */
  #idleFrames = 0;
  /** Submitted and not answered. */
  #sends = 0;
  /** Of the request that waits until all are. */
  #sendsAnswered: PromiseWithResolvers<void> | undefined;
  /** A request is being done, which those after it wait for. */
  #busy = false;
  /** Runs until the user may ask again. */
  #pause: ReturnType<typeof setTimeout> | undefined;
  #renewal: ReturnType<typeof setTimeout> | undefined;
  #leaving = false;
  /** Of a request that ends its own session: its reply goes before the end. */
  #lastReply: { id: number; result: ReplyResult } | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#windowBytes = options.windowBytes ?? standardWindowBytes;
    this.#writer = new FrameWriter({
      send: (items, content) => {
        const receipt = this.#sent.add(content);
        options.pipe.send(encodeServerFrame(items, { through: content.through, receipt }));
      },
      defer: options.defer,
    });
    this.#route = new DeliveryRoute({
      stream: this.#writer,
      dialCallback: options.dialCallback,
      defer: options.defer,
      delivered: (content) => this.#delivered(content),
      lost: () => this.#delivery!.rewind(),
    });
    this.#helloTimer = setTimeout(
      () => this.end(new ChatError("unauthenticated", "No hello came within 10 s: connect and log in again.")),
      helloDeadlineMs,
    );
  }

  /** Takes a frame from the client that was `bytes` long. */
  receive(frame: ClientFrame, bytes: number): void {
    const share = bytes / Math.max(1, frame.requests.length);
    try {
      if (frame.requests.length === 0) this.#countIdle();
      for (const request of frame.requests) {
        if (this.#ended) return;
        if (request.kind?.$case === "ack") this.#acknowledge(request.kind.value.receipt);
        else {
          this.#requests.add(request, share);
          this.#idleFrames = 0;
        }
      }
    } catch (error) {
      return this.end(toChatError(error));
    }
    this.#drain();
  }

  /** The client sends nothing more: what it asked for is answered, and then the session ends. */
  leave(): void {
    this.#leaving = true;
    this.#drain();
  }

  /** All frames have left: see {@link SessionPipe.unsentBytes}. */
  drained(): void {
    if (this.#leaving) this.#options.defer(() => this.#drain());
  }

  /** The client is gone. */
  disconnected(): void {
    this.#finish(undefined);
  }

  /** Tells the client why, and ends. Idempotent. */
  end(reason: ChatError): void {
    if (this.#ended) return;
    if (this.#lastReply !== undefined && reason.code === "token_revoked") {
      this.#reply(this.#lastReply.id, this.#lastReply.result);
    }
    this.#writer.add(encodeItem({ $case: "sessionEnded", value: { error: toWireError(reason) } }));
    this.#finish(reason);
  }

  #finish(reason: ChatError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#helloTimer);
    clearTimeout(this.#pause);
    clearTimeout(this.#renewal);
    this.#requests.clear();
    this.#delivery?.close();
    this.#route.close();
    if (this.#subscriber !== undefined) this.#options.chat.unsubscribe(this.#subscriber);
    this.#writer.flush();
    this.#writer.close();
    this.#options.pipe.end(reason);
    const user = this.#subscriber?.identity.user;
    if (user === undefined) return;
    const { chat, log, peer } = this.#options;
    chat.metrics.sessionEnded(peer.transport, reason?.code);
    log.info("session ended", { session: this.id, user, reason: reason?.code });
  }

  /**
   * Requests are begun in order, one after the other; only sends overlap, because they are committed together. Those above
   * the user's rate wait for their turn instead of being refused: the order of what was sent stays.
   */
  #drain(): void {
    while (
      !this.#ended && !this.#busy && this.#hasWindow() && this.#sends < maxSendsInFlight && this.#isAllowed()
    ) {
      const request = this.#requests.next();
      if (request === undefined) break;
      try {
        const alone = this.#beginRequest(request);
        if (alone !== undefined) void this.#finishAlone(request, alone);
      } catch (error) {
        this.#refuse(request.id, error);
      }
    }
    if (!this.#busy && this.#leaving && this.#sends === 0 && this.#requests.first === undefined) {
      this.#finish(undefined);
    }
  }

  /**
   * Whether more replies may be sent. A client that left acknowledges nothing more: then the octets in the
   * transport decide.
   */
  #hasWindow(): boolean {
    const bytes = this.#leaving ? this.#options.pipe.unsentBytes() : this.#otherBytes;
    return bytes < this.#windowBytes;
  }

  /** @returns undefined when those after it need not wait for it, as with nearly all sends. */
  #beginRequest(request: Request): Promise<void> | undefined {
    const { id, kind } = request;
    if (kind?.$case !== "send" || this.#subscriber === undefined) return this.#handle(request);
    const draft = this.#options.chat.posting.check(this.#subscriber.identity.user, kind.value);
    if (draft instanceof Promise) return draft.then((checked) => void this.#submit(id, checked));
    void this.#submit(id, draft);
  }

  async #finishAlone(request: Request, alone: Promise<void>): Promise<void> {
    this.#busy = true;
    try {
      await alone;
    } catch (error) {
      this.#refuse(request.id, error);
    }
    // What reads the store leaves others a turn, so that nobody's burst holds everybody up.
    if (!isQuick(request)) await new Promise<void>((resolve) => this.#options.defer(resolve));
    this.#busy = false;
    this.#drain();
  }

  /** Whether the next request may begin now; if not, it is tried again when the user's allowance is there. */
  #isAllowed(): boolean {
    const next = this.#requests.first;
    if (this.#subscriber === undefined || next === undefined) return true;
    if (this.#pause !== undefined) return false;
    const waitMs = this.#options.chat.takeAllowance(this.#subscriber.identity.user, costOfRequest(next));
    if (waitMs === 0) return true;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#drain();
    }, waitMs);
    return false;
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
    if (kind === undefined || kind.$case === "ack") {
      throw new ChatError("invalid_argument", "This server does not know this kind of request.");
    }
    if (kind.$case === "hello") throw new ChatError("invalid_argument", "This session has had its hello already.");
    if (this.#sends > 0) await (this.#sendsAnswered ??= Promise.withResolvers()).promise;
    if (this.#ended) return;
    const endsIt = kind.$case === "logOut" || kind.$case === "deleteAccount" ||
      (kind.$case === "revokeDevice" && kind.value.id === identity.deviceId);
    if (endsIt) {
      this.#lastReply = { id, result: { $case: kind.$case, value: {} } };
    }
    try {
      // A request and its reply have the same $case, which TypeScript cannot follow through the union.
      const value = await answer(kind.$case, { chat, identity, subscriber: this.#subscriber }, kind.value as never);
      this.#reply(id, { $case: kind.$case, value } as ReplyResult);
    } finally {
      this.#lastReply = undefined;
    }
  }

  async #submit(id: number, draft: CheckedDraft): Promise<void> {
    if (this.#ended) return;
    this.#sends += 1;
    try {
      const accepted = await this.#options.chat.posting.submit(draft, this.#subscriber);
      this.#add(encodeSendReply(id, accepted));
    } catch (error) {
      this.#refuse(id, error);
    }
    this.#sends -= 1;
    if (this.#sends === 0) {
      this.#sendsAnswered?.resolve();
      this.#sendsAnswered = undefined;
    }
    this.#drain();
  }

  async #hello(id: number, request: Hello): Promise<void> {
    const { chat } = this.#options;
    const hello = parseHello(request);
    const known = await chat.accounts.authenticate(hello.token);
    chat.admitSession(known.user);
    const resume = await judgeResume(hello, chat.timeline);
    const stored = await chat.openConsumer(known, hello.consumer, resume.start);
    const cursor = Math.max(stored, resume.after);
    // The token may have been revoked while the consumer was opened: from here on the session is told.
    await chat.accounts.authenticate(hello.token, (identity) => {
      if (!this.#ended) this.#begin(id, hello, { identity, cursor, resume });
    });
  }

  #begin(
    id: number,
    hello: Hello,
    { identity, cursor, resume }: { identity: Identity; cursor: number; resume: Resume },
  ): void {
    const { chat, log, peer, server } = this.#options;
    const { user, deviceId } = identity;
    const { consumer } = hello;
    this.#options.onHello?.(identity);
    const head = chat.head;
    this.#protocolVersion = hello.protocolVersion;
    const delivery = this.#subscribe({ identity, consumer, cursor, head });
    clearTimeout(this.#helloTimer);
    this.#helloTimer = undefined;
    this.#renewLater({ identity, consumer });
    const client = hello.client.slice(0, 64);
    chat.metrics.sessionBegan(peer.transport);
    log.info("session started", { session: this.id, user, device: deviceId, consumer, client, ...peer });
    const windowBytes = this.#windowBytes;
    const { min: protocolMin, max: protocolMax } = protocolVersions;
    this.#reply(id, {
      $case: "hello",
      value: {
        user,
        deviceId,
        epoch: resume.epoch,
        cursor,
        head,
        protocolMin,
        protocolMax,
        server,
        windowBytes,
        stateRevision: chat.revisions.current(user),
        incarnation: chat.timeline.incarnation,
        sharedThrough: resume.sharedThrough,
      },
    });
    if (hello.callback === undefined) delivery.start();
    else void this.#route.callBack(hello.callback).then(() => delivery.start());
    chat.presence.peersPresent(user)
      .then((peers) => peers.forEach((peer) => this.#notify({ kind: "presence", ...peer })))
      .catch((error) => this.#logFailure("presence could not be told", error));
  }

  #renewLater(subscriber: Pick<Subscriber, "identity" | "consumer">): void {
    this.#renewal = setTimeout(async () => {
      try {
        await this.#options.chat.renew(subscriber);
      } catch (error) {
        if (error instanceof ChatError) return this.end(error);
        this.#logFailure("a token was not renewed", error);
      }
      if (!this.#ended) this.#renewLater(subscriber);
    }, renewIntervalMs);
  }

  #subscribe(options: { identity: Identity; consumer: string; cursor: number; head: number }): Delivery {
    const { chat } = this.#options;
    const { identity, consumer, cursor, head } = options;
    const delivery = new Delivery({
      cursor,
      head,
      windowBytes: this.#windowBytes,
      read: (after, limits) => chat.messagesAfter(identity.user, after, limits),
      wants: (message) => message.event === undefined || this.#protocolVersion >= 2,
      send: (item, message) => {
        this.#route.deliver(item, message.position);
        if (message.position > head) chat.metrics.delivered(message.acceptedAt);
      },
      passed: (through, settled) => this.#route.passed(through, settled),
      failed: (error) => this.#fail(error),
    });
    const subscriber: Subscriber = {
      identity,
      consumer,
      offer: (message: Message, own: boolean) => delivery.offer(message, own),
      lookUp: (position) => delivery.lookUp(position),
      notify: (notice) => this.#notify(notice),
      end: (reason) => this.end(reason),
    };
    chat.subscribe(subscriber);
    this.#subscriber = subscriber;
    return this.#delivery = delivery;
  }

  #acknowledge(receipt: number): void {
    const content = this.#sent.acknowledge(receipt);
    if (content === nothingNew) return this.#countIdle();
    this.#idleFrames = 0;
    this.#delivered(content);
  }

  /** @throws {ChatError} `invalid_argument` when there were too many in a row */
  #countIdle(): void {
    if (++this.#idleFrames <= maxIdleFrames) return;
    throw new ChatError(
      "invalid_argument",
      `${maxIdleFrames} frames in a row asked for nothing: send requests in them.`,
    );
  }

  #delivered({ through, deliveryBytes }: FrameContent): void {
    const acknowledged = this.#delivery?.acknowledge(through, deliveryBytes);
    if (acknowledged !== undefined) this.#options.chat.acknowledge(this.#subscriber!, acknowledged);
  }

  /** What is unacknowledged of everything but deliveries. */
  get #otherBytes(): number {
    return this.#writer.otherBytes + this.#sent.otherBytes;
  }

  #reply(requestId: number, result: ReplyResult): void {
    this.#add(encodeItem({ $case: "reply", value: { requestId, result } }));
  }

  #add(item: Uint8Array): void {
    if (!this.#ended) this.#writer.add(item);
  }

  #refuse(requestId: number, thrown: unknown): void {
    if (this.#ended) return;
    const error = toChatError(thrown);
    if (error.code === "internal") this.#logFailure("request failed", thrown);
    const { chat, peer } = this.#options;
    chat.metrics.refused(peer.transport, error.code);
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

  #notify(notice: Notice): void {
    if (this.#protocolVersion < 2 && notice.kind !== "presence") return;
    // Lossy: it may not take the room of replies.
    if (this.#ended || this.#otherBytes >= this.#windowBytes / 2) return;
    this.#writer.add(encodeNoticeItem(notice));
  }
}

function costOfRequest({ kind }: Request): number {
  if (kind === undefined || kind.$case === "hello" || kind.$case === "ack") return 1;
  return costOf(kind.$case, kind.value as never);
}

/** Whether it is done without reading the store now. */
function isQuick({ kind }: Request): boolean {
  return kind?.$case === "send" || kind?.$case === "ping" || kind?.$case === "whoAmI";
}
