import type { Chat } from "../core/chat.ts";
import type { PlainMessage } from "../core/messages/plain_batch.ts";
import type { LaneSession } from "../core/messages/plain_lane.ts";
import type { CheckedDraft } from "../core/messages/submission.ts";
import type { Subscriber } from "../core/people/live_sessions.ts";
import type { SendRequest } from "../gen/chatd/v1/chat.ts";
import type { RequestScanner } from "../wire/request_scanner.ts";
import { encodeSendReply } from "../wire/server_items.ts";
import type { FrameWriter } from "./frame_writer.ts";
import { PlainSends } from "./plain_sends.ts";

const maxInFlight = 256;
/** Plain messages cost less each. */
const maxPlainInFlight = 1_024;

export interface SendsOptions {
  readonly chat: Chat;
  readonly subscriber: Subscriber;
  /** Takes the replies. */
  readonly writer: Pick<FrameWriter, "add">;
  /** Replies with an error. */
  refuse(requestId: number, error: unknown): void;
  /** Called after each reply. */
  onAnswered(): void;
}

/** The sends of a session. They overlap, to be committed together. */
export class Sends implements LaneSession {
  readonly #options: SendsOptions;
  /** Absent until the client sends a message. */
  #plain: PlainSends | undefined;
  /** Sends that were submitted and have no reply yet. */
  #inFlight = 0;
  /** Resolves for the request that waits until all sends have replies. */
  #allAnswered: PromiseWithResolvers<void> | undefined;
  #closed = false;

  constructor(options: SendsOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether a send has to wait for replies to others. */
  get isFull(): boolean {
    return this.#inFlight >= maxInFlight;
  }

  /** Resolves when no send is in flight any more; there must be one. */
  allAnswered(): Promise<void> {
    return (this.#allAnswered ??= Promise.withResolvers()).promise;
  }

  /** Sends the plain message that the scanner read last. @returns false if it has to be sent like any other request */
  sendPlain(frame: Uint8Array, scanner: RequestScanner): boolean {
    if (this.#inFlight >= maxPlainInFlight || !this.#plainSends.send(frame, scanner)) return false;
    this.#inFlight += 1;
    return true;
  }

  /**
   * Begins a send.
   * @param options `hasWaited` is false when it came just now, and could not take the lane of plain messages
   * @returns undefined when the requests after it may begin at once, as after nearly all sends
   * @throws {ChatError} like `Posting.check`, at once or later
   */
  begin(requestId: number, message: SendRequest, { hasWaited }: { hasWaited: boolean }): Promise<void> | undefined {
    if (hasWaited && this.#plainSends.sendWaiting(requestId, message)) {
      this.#inFlight += 1;
      return undefined;
    }
    const { chat, subscriber } = this.#options;
    const draft = chat.posting.check(subscriber.identity.user, message);
    if (!(draft instanceof Promise)) return void this.#submit(requestId, draft);
    return draft.then((checked) => {
      if (!this.#closed) void this.#submit(requestId, checked);
    });
  }

  onStored(requestId: number, message: PlainMessage): void {
    if (!this.#closed) this.#options.writer.add(encodeSendReply(requestId, message));
    this.#endOne();
  }

  resubmit(requestId: number, draft: CheckedDraft): void {
    this.#inFlight -= 1;
    void this.#submit(requestId, draft);
  }

  onFailed(requestId: number, error: unknown): void {
    this.#options.refuse(requestId, error);
    this.#endOne();
  }

  /** Ends with the session: no send is answered any more, or begins after its check. Sends in flight are stored. */
  close(): void {
    this.#closed = true;
  }

  get #plainSends(): PlainSends {
    const { chat, subscriber } = this.#options;
    return this.#plain ??= new PlainSends({ chat, subscriber, session: this });
  }

  async #submit(requestId: number, draft: CheckedDraft): Promise<void> {
    const { chat, subscriber, writer, refuse } = this.#options;
    this.#inFlight += 1;
    try {
      const posted = await chat.posting.submit(draft, subscriber);
      if (!this.#closed) writer.add(encodeSendReply(requestId, posted));
    } catch (error) {
      refuse(requestId, error);
    }
    this.#endOne();
  }

  #endOne(): void {
    this.#inFlight -= 1;
    if (this.#inFlight === 0) {
      this.#allAnswered?.resolve();
      this.#allAnswered = undefined;
    }
    this.#options.onAnswered();
  }
}
