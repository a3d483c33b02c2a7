import { type Callback, DeliveryMode } from "../gen/chatd/v1/session.ts";
import { encodeItem } from "../wire/server_items.ts";
import { CallbackDelivery, type DialCallback } from "./callback_delivery.ts";
import { type FrameContent, FrameWriter } from "./frame_writer.ts";
import { withDeadline } from "../core/with_deadline.ts";

/** Deadline for connecting to a callback and proving its certificate, in milliseconds. */
export const dialDeadlineMs = 3_000;

export interface DeliveryRouteOptions {
  /** Writes to the client's own connection. */
  stream: FrameWriter;
  /** Absent when the transport or its configuration has no callback delivery. */
  dialCallback: DialCallback | undefined;
  /** Runs a callback after the input that is ready now. */
  defer(callback: () => void): void;
  /** The client answered a call: it has the content of its frame. */
  onDelivered(content: FrameContent): void;
  /** Unacknowledged items are lost; deliveries take the stream from now on. */
  onLost(): void;
}

/** The route of deliveries: with the replies over the client's own connection, or by calls to the client. */
export class DeliveryRoute {
  readonly #options: DeliveryRouteOptions;
  #closed = false;
  /** Cancels a dial in progress. Most sessions never have one. */
  #dialling: AbortController | undefined;
  #writer: FrameWriter;
  #callback: CallbackDelivery | undefined;

  constructor(options: DeliveryRouteOptions) {
    this.#options = options;
    this.#writer = options.stream;
  }

  deliver(item: Uint8Array, through: number): void {
    this.#writer.deliver(item, through);
  }

  /** As {@link DeliveryHost.advance}; a settled position takes the stream on either route. */
  advance(through: number, settled: boolean): void {
    (settled ? this.#options.stream : this.#writer).advance(through);
  }

  /** Tries to call the client, and reports the route to it. Resolves within {@link dialDeadlineMs}. */
  async callBack(wanted: Callback): Promise<void> {
    const { dialCallback, defer } = this.#options;
    if (dialCallback === undefined) {
      return this.#report(
        DeliveryMode.STREAM,
        "This server makes no callbacks: messages arrive over the client's own connection.",
      );
    }
    const dialling = this.#dialling = new AbortController();
    const channel = await withDeadline(
      { ms: dialDeadlineMs, parent: dialling.signal },
      (signal) => dialCallback(wanted, { signal }),
    ).catch(() => undefined);
    this.#dialling = undefined;
    if (this.#closed) return channel?.close();
    if (channel === undefined) {
      return this.#report(
        DeliveryMode.STREAM,
        "The server could not call this client back: messages arrive over the client's own connection.",
      );
    }
    const callback = new CallbackDelivery({
      channel,
      onDelivered: (content) => this.#options.onDelivered(content),
      onFailed: () => this.#fallBack(),
    });
    this.#callback = callback;
    this.#writer = new FrameWriter(callback, defer);
    this.#report(DeliveryMode.CALLBACK, "");
  }

  close(): void {
    this.#closed = true;
    this.#dialling?.abort();
    this.#callback?.close();
  }

  #fallBack(): void {
    this.#writer.close();
    this.#writer = this.#options.stream;
    this.#report(
      DeliveryMode.STREAM,
      "The server's calls to this client failed: messages arrive over the client's own connection.",
    );
    this.#options.onLost();
  }

  #report(mode: DeliveryMode, reason: string): void {
    this.#options.stream.add(encodeItem({ $case: "deliveryChanged", value: { mode, reason } }));
  }
}
