import { type Callback, DeliveryMode } from "../gen/chatd/v1/session.ts";
import { encodeItem } from "../wire/server_items.ts";
import { CallbackDelivery, type DialCallback } from "./callback_delivery.ts";
import { type FrameContent, FrameWriter } from "./frame_writer.ts";
import { withDeadline } from "./with_deadline.ts";

/** How long a callback may take to be connected and proved, in milliseconds. */
export const dialDeadlineMs = 3_000;

export interface DeliveryRouteOptions {
  /** Writes to the client's own connection. */
  stream: FrameWriter;
  /** Absent when this transport or configuration has no callback delivery. */
  dialCallback: DialCallback | undefined;
  /** Runs a callback after what is ready now has been done. */
  defer(callback: () => void): void;
  /** The client answered a call: it has what was in its frame. */
  onDelivered(content: FrameContent): void;
  /** What was not acknowledged is lost on its way, and goes over the stream from now on. */
  onLost(): void;
}

/** Which way deliveries go: with the replies over the client's own connection, or by calls to the client. */
export class DeliveryRoute {
  readonly #options: DeliveryRouteOptions;
  #closed = false;
  /** Of a dial that is under way. Most sessions never have one. */
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

  /** See `DeliveryHost.passed`: a settled position goes over the stream, whichever way messages go. */
  advance(through: number, settled: boolean): void {
    (settled ? this.#options.stream : this.#writer).advance(through);
  }

  /** Tries to call the client, and tells it which way messages come. Resolves when that is settled, within a deadline. */
  async callBack(wanted: Callback): Promise<void> {
    const { dialCallback, defer } = this.#options;
    if (dialCallback === undefined) {
      return this.#tell(
        DeliveryMode.STREAM,
        "This server does not call back: messages come over the client's own connection.",
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
      return this.#tell(
        DeliveryMode.STREAM,
        "The server could not call this client back: messages come over the client's own connection.",
      );
    }
    const callback = new CallbackDelivery({
      channel,
      onDelivered: (content) => this.#options.onDelivered(content),
      onFailed: () => this.#fallBack(),
    });
    this.#callback = callback;
    this.#writer = new FrameWriter(callback, defer);
    this.#tell(DeliveryMode.CALLBACK, "");
  }

  close(): void {
    this.#closed = true;
    this.#dialling?.abort();
    this.#callback?.close();
  }

  #fallBack(): void {
    this.#writer.close();
    this.#writer = this.#options.stream;
    this.#tell(
      DeliveryMode.STREAM,
      "The server's calls to this client failed: messages come over the client's own connection.",
    );
    this.#options.onLost();
  }

  #tell(mode: DeliveryMode, reason: string): void {
    this.#options.stream.add(encodeItem({ $case: "deliveryChanged", value: { mode, reason } }));
  }
}
