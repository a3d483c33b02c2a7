import type { Identity } from "../core/accounts/accounts.ts";
import { ChatError, toChatError } from "../core/chat_error.ts";
import { ClientFrame, type Hello, type Reply, type Request } from "../gen/chatd/v1/session.ts";
import { toWireError } from "../wire/convert.ts";
import { parseHello } from "../wire/parse_hello.ts";
import { RequestScanner } from "../wire/request_scanner.ts";
import { encodeItem, encodeReply } from "../wire/server_items.ts";
import { decodeStrictly } from "../wire/strict_reader.ts";
import { helloResponse } from "./hello_response.ts";
import { IdleFrames } from "./idle_frames.ts";
import { costOfRequest } from "./request_costs.ts";
import { answer, hasHandler, requestHandlers } from "./request_handlers.ts";
import { RequestQueue } from "./request_queue.ts";
import type { RequestContext } from "./request_types.ts";
import { judgeResume, type Resume } from "./resume.ts";
import { Sends } from "./sends.ts";
import { nothingNew } from "./sent_frames.ts";
import type { SessionDependencies } from "./session_dependencies.ts";
import type { SessionPipe } from "./session_pipe.ts";
import { SessionStream } from "./session_stream.ts";
import { Subscription } from "./subscription.ts";

const helloDeadlineMs = 10_000;
/** Shared by all sessions: a frame is read at once. */
const scanner = new RequestScanner();

type ReplyResult = NonNullable<Reply["result"]>;

/**
 * The server's side of one live session: hello, requests in order, replies and deliveries. The same on every transport.
 */
export class Session {
  readonly id: string = crypto.randomUUID();
  readonly #shared: SessionDependencies;
  readonly #pipe: SessionPipe;
  readonly #stream: SessionStream;
  #helloTimer: ReturnType<typeof setTimeout> | undefined;
  /** Absent until the client has logged in. */
  #subscription: Subscription | undefined;
  /** Absent until the client has logged in. */
  #sends: Sends | undefined;
  #ended = false;

  readonly #requests = new RequestQueue();
  readonly #idle = new IdleFrames();
  /** A request is in progress, and the requests after it wait for it. */
  #busy = false;
  /** Runs until the user's allowance suffices for the next request. */
  #pause: ReturnType<typeof setTimeout> | undefined;
  #leaving = false;
  /** The reply to a request that ends its own session: it is sent before the end. */
  #lastReply: { id: number; result: ReplyResult } | undefined;

  constructor(shared: SessionDependencies, pipe: SessionPipe) {
    this.#shared = shared;
    this.#pipe = pipe;
    this.#stream = new SessionStream(pipe, shared);
    this.#helloTimer = setTimeout(
      () =>
        this.end(new ChatError("unauthenticated", "The session had no hello within 10 s: connect and log in again.")),
      helloDeadlineMs,
    );
  }

  /**
   * Takes an encoded frame from the client; the caller may change its bytes afterwards. Plain messages and
   * acknowledgements at its start are taken without decoding them.
   */
  receiveEncoded(frame: Uint8Array): void {
    if (this.#ended) return;
    try {
      const rest = this.#takeStart(frame);
      if (rest === frame.length && rest > 0) return this.#continue();
      // Byte strings in the decoded frame refer to parts of `frame`: only hello has some, and copies them.
      this.receive(decodeStrictly(ClientFrame, frame.subarray(rest)), frame.length - rest);
    } catch (error) {
      this.end(toChatError(error));
    }
  }

  /** @returns where the requests begin that have to be decoded */
  #takeStart(frame: Uint8Array): number {
    scanner.begin(frame);
    let rest = 0;
    for (let kind = scanner.next(); kind !== undefined; kind = scanner.next()) {
      if (kind === "ack") this.#acknowledge(scanner.receipt);
      else if (!this.#sendPlain(frame)) break;
      rest = scanner.at;
      if (this.#ended) return frame.length;
    }
    return rest;
  }

  /** Sends the plain message that the scanner read last. @returns false if it has to be decoded */
  #sendPlain(frame: Uint8Array): boolean {
    const { requestId } = scanner;
    if (this.#busy || !this.#requests.isOpenTo(requestId) || !this.#hasWindow()) return false;
    if (!this.#sends?.sendPlain(frame, scanner)) return false;
    this.#requests.pass(requestId);
    this.#idle.reset();
    return true;
  }

  /** Takes a frame of `bytes` bytes from the client. */
  receive(frame: ClientFrame, bytes: number): void {
    const share = bytes / Math.max(1, frame.requests.length);
    try {
      if (frame.requests.length === 0) this.#idle.add();
      for (const request of frame.requests) {
        if (this.#ended) return;
        if (request.kind?.$case === "ack") this.#acknowledge(request.kind.value.receipt);
        else {
          this.#requests.add(request, share);
          this.#idle.reset();
        }
      }
    } catch (error) {
      return this.end(toChatError(error));
    }
    this.#drain({ hasWaited: false });
  }

  /** The client has closed its side: the session answers its requests, and then ends. */
  leave(): void {
    this.#leaving = true;
    this.#drain();
  }

  /** The pipe has sent all frames: see {@link SessionPipe.unsentBytes}. */
  drained(): void {
    if (this.#leaving) this.#shared.defer(() => this.#drain());
  }

  /** The pipe is broken. */
  disconnected(): void {
    this.#finish(undefined);
  }

  /** Ends the session, and tells the client the reason. Idempotent. */
  end(reason: ChatError): void {
    if (this.#ended) return;
    if (this.#lastReply !== undefined && reason.code === "token_revoked") {
      this.#reply(this.#lastReply.id, this.#lastReply.result);
    }
    this.#stream.writer.add(encodeItem({ $case: "sessionEnded", value: { error: toWireError(reason) } }));
    this.#finish(reason);
  }

  #finish(reason: ChatError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#helloTimer);
    clearTimeout(this.#pause);
    this.#requests.clear();
    this.#sends?.close();
    this.#subscription?.close();
    if (this.#subscription !== undefined) this.#shared.chat.unsubscribe(this.#subscription);
    this.#stream.writer.flush();
    this.#stream.writer.close();
    this.#pipe.end(reason);
    const user = this.#subscription?.identity.user;
    if (user === undefined) return;
    const { chat, log, transport } = this.#shared;
    chat.metrics.sessionEnded(transport, reason?.code);
    log.info("session ended", { session: this.id, user, reason: reason?.code });
  }

  /**
   * Begins requests in their order. One is in progress at a time, except that sends overlap, to be committed together.
   * A request above the user's rate waits instead of being refused, and keeps its place.
   * @param options `hasWaited` is false when the requests came just now, and could not take the lane
   */
  #drain({ hasWaited = true } = {}): void {
    while (!this.#ended && !this.#busy && this.#hasWindow() && !this.#sends?.isFull && this.#isAllowed()) {
      const request = this.#requests.next();
      if (request === undefined) break;
      try {
        const exclusive = this.#beginRequest(request, hasWaited);
        if (exclusive !== undefined) void this.#finishExclusive(request, exclusive);
      } catch (error) {
        this.#refuse(request.id, error);
      }
    }
    if (!this.#busy && this.#leaving && !this.#sends?.inFlight && this.#requests.first === undefined) {
      this.#finish(undefined);
    }
  }

  /** Calls {@link #drain} unless it has nothing to do. */
  #continue(): void {
    if (this.#leaving || this.#requests.first !== undefined) this.#drain();
  }

  /**
   * Reports whether replies have room. A client that closed its side acknowledges nothing more: then the octets in the
   * transport count.
   */
  #hasWindow(): boolean {
    const bytes = this.#leaving ? this.#pipe.unsentBytes() : this.#stream.otherBytes;
    return bytes < this.#stream.windowBytes;
  }

  /** @returns undefined when the requests after it may begin at once, as after nearly all sends */
  #beginRequest(request: Request, hasWaited: boolean): Promise<void> | undefined {
    const { id, kind } = request;
    if (kind?.$case !== "send" || this.#sends === undefined) return this.#handle(request);
    return this.#sends.begin(id, kind.value, { hasWaited });
  }

  async #finishExclusive(request: Request, exclusive: Promise<void>): Promise<void> {
    this.#busy = true;
    try {
      await exclusive;
    } catch (error) {
      this.#refuse(request.id, error);
    }
    // After a read from the store, other sessions get a turn: a burst of one session delays no other.
    if (!isQuick(request)) await new Promise<void>((resolve) => this.#shared.defer(resolve));
    this.#busy = false;
    this.#drain();
  }

  /** Reports whether the user's allowance suffices for the next request; if not, tries again as soon as it does. */
  #isAllowed(): boolean {
    const next = this.#requests.first;
    if (this.#subscription === undefined || next === undefined) return true;
    if (this.#pause !== undefined) return false;
    const waitMs = this.#shared.chat.takeAllowance(this.#subscription.identity.user, costOfRequest(next));
    if (waitMs === 0) return true;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#drain();
    }, waitMs);
    return false;
  }

  async #handle({ id, kind }: Request): Promise<void> {
    if (this.#subscription === undefined) {
      if (kind?.$case !== "hello") {
        throw new ChatError("unauthenticated", "The first request of a session must be hello, with a token.");
      }
      return await this.#hello(id, kind.value);
    }
    const context = this.#contextOf(this.#subscription);
    if (kind?.$case === "hello") throw new ChatError("invalid_argument", "This session already had its hello.");
    if (!hasHandler(kind)) {
      throw new ChatError("invalid_argument", "This server does not know this kind of request.");
    }
    if (this.#sends?.inFlight) await this.#sends.allAnswered();
    if (this.#ended) return;
    const { endsSession } = requestHandlers[kind.$case];
    // A request and its reply have the same $case, which TypeScript cannot follow through the union.
    if (endsSession?.(kind.value as never, context.identity)) {
      this.#lastReply = { id, result: { $case: kind.$case, value: {} } as ReplyResult };
    }
    try {
      const value = await answer(kind.$case, context, kind.value as never);
      this.#reply(id, { $case: kind.$case, value } as ReplyResult);
    } finally {
      this.#lastReply = undefined;
    }
  }

  async #hello(id: number, request: Hello): Promise<void> {
    const { chat } = this.#shared;
    const hello = parseHello(request);
    let start: { cursor: number; resume: Resume };
    await chat.accounts.authenticate(hello.token, {
      prepare: async (identity) => {
        chat.admitSession(identity.user);
        const resume = await judgeResume(hello, chat.timeline);
        const stored = await chat.openConsumer(identity, hello.consumer, resume.start);
        start = { cursor: Math.max(stored, resume.after), resume };
      },
      enter: (identity) => {
        if (!this.#ended) this.#begin(id, hello, { identity, ...start });
      },
    });
  }

  #begin(
    id: number,
    hello: Hello,
    { identity, cursor, resume }: { identity: Identity; cursor: number; resume: Resume },
  ): void {
    const { chat, log, transport } = this.#shared;
    const { address } = this.#pipe;
    const { user, deviceId } = identity;
    const { consumer, protocolVersion } = hello;
    this.#pipe.onHello?.(identity);
    const head = chat.head;
    const stream = this.#stream;
    const subscription = new Subscription({
      shared: this.#shared,
      session: this,
      stream,
      identity,
      consumer,
      protocolVersion,
      cursor,
      head,
    });
    chat.subscribe(subscription);
    this.#subscription = subscription;
    this.#sends = new Sends({
      chat,
      subscriber: subscription,
      writer: stream.writer,
      refuse: (requestId, error) => this.#refuse(requestId, error),
      onAnswered: () => this.#continue(),
    });
    clearTimeout(this.#helloTimer);
    this.#helloTimer = undefined;
    const client = hello.client.slice(0, 64);
    chat.metrics.sessionBegan(transport);
    log.info("session started", { session: this.id, user, device: deviceId, consumer, client, transport, address });
    const { windowBytes } = stream;
    const value = helloResponse(this.#shared, { identity, cursor, head, resume, windowBytes });
    this.#reply(id, { $case: "hello", value });
    subscription.start(hello.callback, address);
  }

  #acknowledge(receipt: number): void {
    const content = this.#stream.acknowledge(receipt);
    if (content === nothingNew) return this.#idle.add();
    this.#idle.reset();
    this.#subscription?.acknowledge(content);
  }

  #contextOf(subscriber: Subscription): RequestContext {
    return { chat: this.#shared.chat, identity: subscriber.identity, subscriber };
  }

  #reply(requestId: number, result: ReplyResult): void {
    if (!this.#ended) this.#stream.writer.add(encodeReply(requestId, result));
  }

  #refuse(requestId: number, thrown: unknown): void {
    if (this.#ended) return;
    const error = toChatError(thrown);
    if (error.code === "internal") this.logFailure("request failed", thrown);
    const { chat, transport } = this.#shared;
    chat.metrics.refused(transport, error.code);
    this.#reply(requestId, { $case: "error", value: toWireError(error) });
    if (this.#subscription === undefined) this.end(error);
  }

  /** Logs an error of the server. */
  logFailure(event: string, error: unknown): void {
    this.#shared.log.error(event, { session: this.id, user: this.#subscription?.identity.user, error });
  }
}

function isQuick({ kind }: Request): boolean {
  return hasHandler(kind) && requestHandlers[kind.$case].isQuick === true;
}
