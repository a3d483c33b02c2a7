import type { Callback } from "../gen/chatd/v1/session.ts";
import { EncodedFrame } from "../wire/server_frame.ts";
import type { FrameContent, FrameSink } from "./frame_writer.ts";
import { createReceipt } from "./receipt.ts";
import { withDeadline } from "../core/with_deadline.ts";

/** A connection to the DeliveryService of a client. Owned by the session, which closes it. */
export interface CallbackChannel {
  /** Resolves with the receipt in the client's answer, once the client has taken the frame. */
  deliver(frame: Uint8Array, options: { signal: AbortSignal }): Promise<number>;
  close(): void;
}

/**
 * Connects to a client at the address of its own connection, pinning its certificate. Rejects when `signal` aborts and
 * not before, for every cause of failure: the client does not learn whether the port is open.
 */
export type DialCallback = (callback: Callback, options: { signal: AbortSignal }) => Promise<CallbackChannel>;

/** Deadline for the answer to one frame, in milliseconds. */
const deliverDeadlineMs = 20_000;

export interface CallbackDeliveryOptions {
  channel: CallbackChannel;
  /** The client answered a call: it has the content of the frame. */
  onDelivered(content: FrameContent): void;
  /** The channel failed and is closed; undelivered frames have to take another way. */
  onFailed(): void;
}

/** Delivers frames by calls to the client, one at a time. The response to a call acknowledges its frame. */
export class CallbackDelivery implements FrameSink {
  readonly #options: CallbackDeliveryOptions;
  readonly #ended = new AbortController();
  #frames: { frame: Uint8Array; receipt: number; content: FrameContent }[] = [];
  #delivering = false;

  constructor(options: CallbackDeliveryOptions) {
    this.#options = options;
  }

  /** Does nothing once the delivery is closed or has failed. */
  send(items: readonly Uint8Array[], content: FrameContent): void {
    if (this.#ended.signal.aborted) return;
    const receipt = createReceipt();
    // Encoded now: waiting items would keep the memory that they share with others.
    const frame = new EncodedFrame(items, { through: content.through, receipt }).toBytes();
    this.#frames.push({ frame, receipt, content });
    if (!this.#delivering) void this.#deliverAll();
  }

  close(): void {
    this.#ended.abort();
    this.#frames = [];
    this.#options.channel.close();
  }

  async #deliverAll(): Promise<void> {
    this.#delivering = true;
    try {
      for (let next = this.#frames.shift(); next !== undefined; next = this.#frames.shift()) {
        const { frame, receipt, content } = next;
        const answered = await withDeadline(
          { ms: deliverDeadlineMs, parent: this.#ended.signal },
          (signal) => this.#options.channel.deliver(frame, { signal }),
        );
        if (this.#ended.signal.aborted) return;
        // A client can answer a call without reading its frame, which then stays in the memory of this server.
        if (answered !== receipt) throw new Error("the client answered a frame that it has not read");
        this.#options.onDelivered(content);
      }
    } catch {
      if (this.#ended.signal.aborted) return;
      this.close();
      this.#options.onFailed();
    } finally {
      this.#delivering = false;
    }
  }
}
