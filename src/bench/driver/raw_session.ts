import { serverError } from "../../client/server_error.ts";
import { ChatError } from "../../core/chat_error.ts";
import { ClientFrame, type Hello, type HelloResponse, Item } from "../../gen/chatd/v1/session.ts";
import { version } from "../../host/version.ts";
import { otherItemOverhead } from "../../wire/limits.ts";
import type { AckClock } from "./ack_clock.ts";
import { scanFrame, type ScanHandlers } from "./frame_scan.ts";
import type { OpenPipe, Pipe } from "./pipe.ts";
import { putRequest, type SendTemplate } from "./send_template.ts";
import { stampNow } from "./stamps.ts";

/** Bytes of a frame of the driver, which fits into every initial window. */
const maxFrameBytes = 32 * 1024;
/** Unacknowledged bytes after which an acknowledgement does not wait: a quarter of the server's window. */
const dueBytes = 64 * 1024;
const [requestsTag, ackBytes, ackTag, ackLength, receiptTag] = [0x0a, 0x07, 0x1a, 0x05, 0x0d];
const ackRequestBytes = 9;
/** How long to wait before a send that the server postponed is sent again, unless the server says. */
const postponedMs = 100;

/** A frame under construction; sessions take turns. */
const scratch = new Uint8Array(2 * maxFrameBytes);

export interface RawSessionOptions {
  readonly open: OpenPipe;
  readonly hello: Pick<Hello, "token"> & Partial<Hello>;
  /** Acknowledges frames when nothing else is sent. */
  readonly ackClock: AckClock;
  /** Whether the sends of a turn are in one frame, or each in a frame of its own. */
  readonly joined: boolean;
  onMessage(bytes: Uint8Array, from: number, to: number): void;
  /** The server accepted a number of sends. */
  onAccepted(count: number): void;
  /** The server answered a number of other requests. */
  onAnswered?(count: number): void;
  /** A send was postponed; the session sends another message later. */
  onPostponed(): void;
  onLost(error: Error): void;
}

/**
 * A user's live session in raw frames, for load: requests are patched into prebuilt bytes, and frames of the server are
 * scanned. Like chatd's clients it acknowledges with its requests, or messages once a second without requests.
 */
export class RawSession {
  readonly #options: RawSessionOptions;
  readonly #hello = Promise.withResolvers<HelloResponse>();
  readonly #scan: ScanHandlers;
  #pipe: Pipe | undefined;
  #requestId = 1;
  #receipt = 0;
  #unacknowledged = 0;
  #template: SendTemplate | undefined;
  #closed = false;

  private constructor(options: RawSessionOptions) {
    this.#options = options;
    this.#hello.promise.catch(() => {});
    this.#scan = { onMessage: options.onMessage, onOther: (...item) => this.#takeOther(...item) };
  }

  /** Opens a session; resolves with the server's hello. @throws {ChatError} */
  static async open(options: RawSessionOptions): Promise<{ session: RawSession; hello: HelloResponse }> {
    const session = new RawSession(options);
    try {
      session.#pipe = await options.open({
        onMessage: (bytes, from, to) => session.#takeFrame(bytes, from, to),
        onLost: (error) => session.#lose(error),
      });
      session.#sendHello();
      return { session, hello: await session.#hello.promise };
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** Sends a number of messages now. @returns the stamp of all of them, in microseconds */
  send(template: SendTemplate, count: number): number {
    this.#template = template;
    const stamp = stampNow();
    const time = Date.now();
    let at = this.#putAck(0);
    for (let left = count; left > 0; left--) {
      if (at > 0 && (!this.#options.joined && left < count || at + template.maxBytes > maxFrameBytes)) {
        at = this.#flush(at);
      }
      at = template.put(scratch, at, { requestId: this.#requestId++, stamp, time });
    }
    this.#flush(at);
    return stamp;
  }

  /** Sends an encoded request without its id, as prebuilt bytes: one kind of `Request` with tag and length. */
  request(kind: Uint8Array): void {
    let at = this.#putAck(0);
    at = putRequest(scratch, at, this.#requestId++, kind);
    this.#flush(at);
  }

  /** Acknowledges all frames so far, if there are any. */
  acknowledge(): void {
    const at = this.#putAck(0);
    if (at > 0) this.#flush(at);
  }

  /** Ends the connection, without a farewell. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#options.ackClock.forget(this);
    await this.#pipe?.close();
  }

  #sendHello(): void {
    const value: Hello = {
      protocolVersion: 2,
      consumer: "",
      resumeAfter: 0,
      epoch: "",
      callback: undefined,
      client: `chatd-bench/${version}`,
      ...this.#options.hello,
    };
    this.#pipe!.send(
      ClientFrame.encode({ requests: [{ id: this.#requestId++, kind: { $case: "hello", value } }] }).finish(),
    );
  }

  #flush(at: number): number {
    if (!this.#closed) this.#pipe!.send(scratch.subarray(0, at));
    return 0;
  }

  #putAck(at: number): number {
    if (this.#unacknowledged === 0) return at;
    this.#unacknowledged = 0;
    const receipt = this.#receipt;
    scratch[at] = requestsTag;
    scratch[at + 1] = ackBytes;
    scratch[at + 2] = ackTag;
    scratch[at + 3] = ackLength;
    scratch[at + 4] = receiptTag;
    for (let i = 0; i < 4; i++) scratch[at + 5 + i] = receipt >>> (8 * i);
    return at + ackRequestBytes;
  }

  #takeFrame(bytes: Uint8Array, from: number, to: number): void {
    if (this.#closed) return;
    const { accepted, answered, others, hasMessages, receipt } = scanFrame(bytes, from, to, this.#scan);
    if (receipt !== 0) {
      this.#receipt = receipt;
      if (hasMessages) this.#options.ackClock.add(this);
      this.#unacknowledged += to - from + others * otherItemOverhead;
    }
    if (accepted > 0) this.#options.onAccepted(accepted);
    if (answered > 0) this.#options.onAnswered?.(answered);
    if (this.#unacknowledged >= dueBytes) this.acknowledge();
  }

  #takeOther(bytes: Uint8Array, from: number, to: number): void {
    const { kind } = Item.decode(bytes.subarray(from, to));
    if (kind?.$case === "sessionEnded") return this.#lose(serverError(kind.value.error));
    if (kind?.$case !== "reply") return;
    const { result } = kind.value;
    if (result?.$case === "hello") this.#hello.resolve(result.value);
    if (result?.$case !== "error") return;
    const error = serverError(result.value);
    const { code, retryAfterMs } = error;
    if (this.#template === undefined || code !== "busy" && code !== "rate_limited") return this.#lose(error);
    this.#options.onPostponed();
    setTimeout(() => this.#closed || this.send(this.#template!, 1), retryAfterMs || postponedMs);
  }

  #lose(error: Error): void {
    if (this.#closed) return;
    void this.close();
    this.#hello.reject(error instanceof ChatError ? error : new ChatError("unavailable", error.message));
    this.#options.onLost(error);
  }
}
