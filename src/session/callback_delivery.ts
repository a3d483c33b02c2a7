import type { Callback } from "../gen/chatd/v1/session.ts";
import { encodeServerFrame } from "../wire/server_items.ts";
import type { FrameContent, FrameSink } from "./frame_writer.ts";
import { createReceipt } from "./receipt.ts";
import { withDeadline } from "./with_deadline.ts";

/** A connection to the DeliveryService that a client serves. Owned by the session, which closes it. */
export interface CallbackChannel {
  /** Resolves when the client has taken the frame, with the receipt that it answers. */
  deliver(frame: Uint8Array, options: { signal: AbortSignal }): Promise<number>;
  close(): void;
}

/**
 * Calls a client back at the address that its own connection comes from, pinning its certificate.
 * Rejects when `signal` aborts, and not before, whatever was at the port: the client learns nothing of it.
 */
export type DialCallback = (callback: Callback, options: { signal: AbortSignal }) => Promise<CallbackChannel>;

/** How long a client may take over one frame. */
const deliverDeadlineMs = 20_000;

export interface CallbackDeliveryOptions {
  channel: CallbackChannel;
  /** The client answered a call: it has what was in the frame. */
  onDelivered(content: FrameContent): void;
  /** The channel is dead and closed; what was not delivered must go another way. */
  onFailed(): void;
}

/** Delivers frames by calls to the client, one in flight, whose response is the acknowledgement. */
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
    // Now: items that waited would keep what was written near them.
    const frame = encodeServerFrame(items, { through: content.through, receipt });
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
        // A client can answer a call whose frame it has left unread, which then stays in this server's memory.
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
