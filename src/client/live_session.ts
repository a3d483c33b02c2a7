import { ChatError } from "../core/chat_error.ts";
import type { Notice } from "../core/people/notice.ts";
import type { Message } from "../gen/chatd/v1/chat.ts";
import { type DeliveryChanged, type Hello, type HelloResponse, Request } from "../gen/chatd/v1/session.ts";
import { fromWireNotice } from "../wire/notices.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { packFrames } from "./frame_packer.ts";
import type { Outbox, OutboxEntry } from "./outbox.ts";
import { type PendingRequest, PendingRequests, type ReplyResult } from "./pending_requests.ts";
import type { ReceivedFrame } from "./received_frame.ts";
import { isTransient, serverError } from "./server_error.ts";
import type { Timers } from "./timers.ts";
import type { Link } from "./transport.ts";

export type RequestKind = NonNullable<Request["kind"]>;
/** The value of the reply to a kind of request. */
export type ReplyValue<C extends string> = Extract<ReplyResult, { $case: C }>["value"];

/** Intervals and deadlines of a session, in milliseconds. */
export interface SessionTiming {
  /** Deadline for the reply to hello, from the opening of the link. */
  helloMs: number;
  /** Silence of the server after which the client pings it. */
  idleMs: number;
  /** Deadline for the reply to that ping: without it, the link is dead. */
  pingMs: number;
  /** Time that an acknowledgement of deliveries waits for a frame that can carry it. */
  ackMs: number;
  /** Time between two frames with an acknowledgement alone: in a busy room one costs the server more than a message. */
  ackIntervalMs: number;
}

export const defaultTiming: SessionTiming = {
  helloMs: 20_000,
  idleMs: 10_000,
  pingMs: 20_000,
  ackMs: 100,
  ackIntervalMs: 1_000,
};

/** The owner of a session, which keeps the state that outlives it. The next frame is read when these have resolved. */
export interface SessionOwner {
  onOpened(hello: HelloResponse): void;
  /** Takes a message of the log, which may be an own one. The next message comes when the result has resolved. */
  onMessage(message: Message): void | Promise<void>;
  /** The client has taken everything up to `position`. */
  onTakenThrough(position: number): void;
  /** Resolves when all messages so far are safe with the client; undefined when they are now. */
  whenSettled(): Promise<void> | undefined;
  onAccepted(id: string, result: ReplyValue<"send">): void;
  onPostponed(id: string, reason: ChatError): void;
  onNotice(notice: Notice): void;
  onDeliveryChanged(change: DeliveryChanged): void;
}

export interface LiveSessionOptions {
  link: Link;
  owner: SessionOwner;
  outbox: Outbox;
  timers: Timers;
  timing: SessionTiming;
}

/** The client's side of one live session, over one link. */
export class LiveSession {
  readonly #link: Link;
  readonly #owner: SessionOwner;
  readonly #outbox: Outbox;
  readonly #timers: Timers;
  readonly #timing: SessionTiming;
  readonly #pending = new PendingRequests();
  readonly #acks = new Acknowledgements();
  readonly #ended = Promise.withResolvers<void>();
  #failure: ChatError | undefined;
  #open = false;
  #queued: { readonly kind: RequestKind; readonly pending: PendingRequest }[] = [];
  #flushing = false;
  #cancelAck: (() => void) | undefined;
  #acknowledgedAlone = -Infinity;
  #cancelHold: (() => void) | undefined;
  #cancelWatch: (() => void) | undefined;
  /** Start of the server's silence; undefined while the client takes a frame. */
  #quietSince: number | undefined;
  #pinged = false;

  constructor(options: LiveSessionOptions) {
    this.#link = options.link;
    this.#owner = options.owner;
    this.#outbox = options.outbox;
    this.#timers = options.timers;
    this.#timing = options.timing;
    this.#quietSince = this.#timers.now();
  }

  /** Runs until the link ends, or until {@link end}. @returns the reason of the end */
  async run(hello: Hello): Promise<ChatError> {
    const id = this.#pending.add({
      settle: (result) => this.#onHelloReply(result),
      fail: () => {},
    });
    const cancelHello = this.#timers.after(
      this.#timing.helloMs,
      () => this.#open || this.end(new ChatError("unavailable", "The server did not answer in time.")),
    );
    this.#link.send({ requests: [{ id, kind: { $case: "hello", value: hello } }] });
    const reading = this.#read();
    await Promise.race([reading, this.#ended.promise]);
    cancelHello();
    this.#cancelWatch?.();
    this.#cancelHold?.();
    this.#cancelAck?.();
    const failure = this.#failure!;
    this.#outbox.onLinkLost();
    this.#pending.failAll(failure);
    for (const { pending } of this.#queued) pending.fail(failure);
    await this.#link.close();
    await reading;
    return failure;
  }

  /** Sends the last acknowledgement, and ends the session for this reason. */
  end(reason: ChatError): void {
    if (this.#failure) return;
    if (this.#open) this.#flush(true);
    this.#failure = reason;
    this.#ended.resolve();
  }

  /**
   * Sends a request and returns its reply.
   * @throws {ChatError} the server's refusal; `unavailable` without a reply within `deadlineMs` or before the end
   */
  request<C extends RequestKind["$case"] & ReplyResult["$case"]>(
    kind: RequestKind & { $case: C },
    deadlineMs: number,
  ): Promise<ReplyValue<C>> {
    if (this.#failure) return Promise.reject(new ChatError("unavailable", `Not connected: ${this.#failure.message}`));
    const { promise, resolve, reject } = Promise.withResolvers<ReplyValue<C>>();
    const cancel = this.#timers.after(
      deadlineMs,
      () => reject(new ChatError("unavailable", "The server did not answer in time: try again.")),
    );
    const pending: PendingRequest = {
      settle(result) {
        cancel();
        // A request and its reply have the same $case, which TypeScript cannot follow through the union.
        if (result?.$case === kind.$case) resolve(result.value as never);
        else reject(serverError(result?.$case === "error" ? result.value : undefined));
      },
      fail(error) {
        cancel();
        reject(new ChatError("unavailable", `The connection was lost before the answer: ${error.message}`));
      },
    };
    this.#queued.push({ kind, pending });
    this.flushSoon();
    return promise;
  }

  /** Sends waiting requests in the next microtask, with all that are added until then. */
  flushSoon(): void {
    if (this.#flushing || !this.#open) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      if (!this.#failure) this.#flush(false);
    });
  }

  async #read(): Promise<void> {
    try {
      for await (const frame of this.#link.frames) {
        if (this.#failure) return;
        this.#quietSince = undefined;
        await this.#takeFrame(frame);
        this.#quietSince = this.#timers.now();
        this.#pinged = false;
        if (this.#failure) return;
      }
      this.end(new ChatError("unavailable", "The server closed the connection."));
    } catch (error) {
      this.end(error instanceof ChatError ? error : new ChatError("internal", String(error), { cause: error }));
    }
  }

  async #takeFrame(frame: ReceivedFrame): Promise<void> {
    for (const item of frame.items) {
      if (this.#failure) return;
      if (item.kind?.$case === "reply") this.#pending.settle(item.kind.value);
      else if (item.kind?.$case === "message") {
        const taking = this.#owner.onMessage(item.kind.value);
        if (taking !== undefined) await taking;
      } else if (item.kind?.$case === "deliveryChanged") this.#owner.onDeliveryChanged(item.kind.value);
      else if (item.kind?.$case === "sessionEnded") return this.end(serverError(item.kind.value.error));
      else {
        const notice = item.kind && fromWireNotice(item.kind);
        if (notice !== undefined) this.#owner.onNotice(notice);
      }
    }
    if (this.#failure) return;
    const settled = this.#owner.whenSettled();
    if (settled === undefined) this.#markTaken(frame);
    else void settled.then(() => this.#failure || this.#markTaken(frame));
    this.flushSoon();
  }

  #markTaken(frame: ReceivedFrame): void {
    if (frame.through > 0) this.#owner.onTakenThrough(frame.through);
    this.#acks.add(frame);
    this.flushSoon();
  }

  #onHelloReply(result: ReplyResult | undefined): void {
    if (result?.$case !== "hello") {
      return this.end(serverError(result?.$case === "error" ? result.value : undefined));
    }
    this.#open = true;
    this.#acks.windowBytes = result.value.windowBytes;
    this.#owner.onOpened(result.value);
    this.#watch();
    this.flushSoon();
  }

  #flush(last: boolean): void {
    const requests: Request[] = this.#queued.map(({ kind, pending }) => ({ id: this.#pending.add(pending), kind }));
    this.#queued = [];
    const sends = last ? [] : this.#outbox.takeReady(this.#timers.now()).map((entry) => this.#sendRequest(entry));
    if (!last) this.#waitForHold();
    const others = requests.length + sends.length > 0;
    const ack = others || last || this.#acks.isDue ? this.#acks.take() : undefined;
    if (ack) requests.push({ id: this.#pending.nextId(), kind: { $case: "ack", value: ack } });
    const sized = requests.map((request) => ({ request, bytes: Request.encode(request).finish().length }));
    for (const frame of packFrames([...sized, ...sends])) this.#link.send(frame);
    if (this.#acks.hasDeliveries) this.#acknowledgeLater();
  }

  #sendRequest(entry: OutboxEntry): { request: Request; bytes: number } {
    const { id, to, text, replyTo = 0, uploadId = "", automatic = false, bytes } = entry;
    const requestId = this.#pending.add({
      settle: (result) => {
        if (result?.$case === "send") return this.#owner.onAccepted(id, result.value);
        const error = serverError(result?.$case === "error" ? result.value : undefined);
        if (!isTransient(error)) return this.#outbox.refuse(id, error);
        this.#outbox.postpone(id, error, this.#timers.now());
        this.#owner.onPostponed(id, error);
      },
      fail: () => {},
    });
    return {
      request: {
        id: requestId,
        kind: { $case: "send", value: { to, id, text, replyToSeq: replyTo, uploadId, automatic } },
      },
      bytes,
    };
  }

  #waitForHold(): void {
    const heldMs = this.#outbox.heldMs(this.#timers.now());
    if (heldMs === 0 || this.#cancelHold) return;
    this.#cancelHold = this.#timers.after(heldMs, () => {
      this.#cancelHold = undefined;
      this.flushSoon();
    });
  }

  #acknowledgeLater(): void {
    if (this.#cancelAck !== undefined) return;
    const { ackMs, ackIntervalMs } = this.#timing;
    // The clock may be set back.
    const sinceLast = Math.max(0, this.#timers.now() - this.#acknowledgedAlone);
    this.#cancelAck = this.#timers.after(Math.max(ackMs, ackIntervalMs - sinceLast), () => {
      this.#cancelAck = undefined;
      const ack = this.#acks.take();
      if (ack === undefined) return;
      this.#acknowledgedAlone = this.#timers.now();
      this.#link.send({ requests: [{ id: this.#pending.nextId(), kind: { $case: "ack", value: ack } }] });
    });
  }

  /** Detects a server that is gone without closing the link. */
  #watch(): void {
    const { idleMs, pingMs } = this.#timing;
    const quiet = this.#quietSince === undefined ? 0 : this.#timers.now() - this.#quietSince;
    if (quiet >= idleMs + pingMs) {
      return this.end(new ChatError("unavailable", "The server stopped answering."));
    }
    if (quiet >= idleMs && !this.#pinged) {
      this.#pinged = true;
      this.request({ $case: "ping", value: {} }, pingMs).catch(() => {});
    }
    const next = this.#pinged ? idleMs + pingMs - quiet : idleMs - quiet;
    this.#cancelWatch = this.#timers.after(Math.max(next, 1), () => this.#watch());
  }
}
