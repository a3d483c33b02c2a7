import { ChatError } from "../core/chat_error.ts";
import { EncodedFrame } from "../wire/server_frame.ts";
import { type FrameContent, type FrameSink, FrameWriter } from "./frame_writer.ts";
import { createReceipt } from "./receipt.ts";
import type { SessionDependencies } from "./session_dependencies.ts";
import type { SessionPipe } from "./session_pipe.ts";

const standardWindowBytes = 256 * 1024;

/** The content of a repeated acknowledgement. */
export const nothingNew: FrameContent = { through: 0, deliveryBytes: 0, otherBytes: 0 };

/**
 * Sends frames over the client's own connection. A client acknowledges a frame by its receipt, which it knows only from
 * reading the frame: an acknowledged frame has left the memory of the server.
 */
export class SessionStream implements FrameSink {
  /** Collects the items of the frames. */
  readonly writer: FrameWriter;
  readonly windowBytes: number;
  readonly #pipe: Pick<SessionPipe, "send">;
  /** Contents of unacknowledged frames by receipt, oldest first; undefined without any, as in an idle session. */
  #unacknowledged: Map<number, FrameContent> | undefined;
  #lastAcknowledged = 0;
  #otherBytes = 0;

  constructor(
    pipe: Pick<SessionPipe, "send">,
    { defer, windowBytes = standardWindowBytes }: Pick<SessionDependencies, "defer" | "windowBytes">,
  ) {
    this.writer = new FrameWriter(this, defer);
    this.windowBytes = windowBytes;
    this.#pipe = pipe;
  }

  /** Octets of unacknowledged items other than deliveries, sent or waiting in the writer. */
  get otherBytes(): number {
    return this.writer.otherBytes + this.#otherBytes;
  }

  send(items: readonly Uint8Array[], content: FrameContent): void {
    const frames = this.#unacknowledged ??= new Map();
    let receipt = createReceipt();
    while (frames.has(receipt)) receipt = createReceipt();
    frames.set(receipt, content);
    this.#otherBytes += content.otherBytes;
    this.#pipe.send(new EncodedFrame(items, { through: content.through, receipt }));
  }

  /**
   * Acknowledges all frames up to the one with this receipt.
   * @returns the content of the newly acknowledged frames; {@link nothingNew} when there are none
   * @throws {ChatError} `invalid_argument` for a receipt of no unacknowledged frame, other than the last acknowledged
   */
  acknowledge(receipt: number): FrameContent {
    const frames = this.#unacknowledged;
    if (!frames?.has(receipt)) {
      if (receipt !== 0 && receipt === this.#lastAcknowledged) return nothingNew;
      throw new ChatError(
        "invalid_argument",
        `No unacknowledged frame has the receipt ${receipt}: acknowledge the newest frame that you have read.`,
      );
    }
    this.#lastAcknowledged = receipt;
    if (frames.size === 1) return this.#acknowledgeOnly(frames.get(receipt)!);
    const newly = { through: 0, deliveryBytes: 0, otherBytes: 0 };
    for (const [each, content] of frames) {
      frames.delete(each);
      newly.through = Math.max(newly.through, content.through);
      newly.deliveryBytes += content.deliveryBytes;
      newly.otherBytes += content.otherBytes;
      if (each === receipt) break;
    }
    if (frames.size === 0) this.#unacknowledged = undefined;
    this.#otherBytes -= newly.otherBytes;
    return newly;
  }

  /** Acknowledges the only unacknowledged frame, as most acknowledgements do. */
  #acknowledgeOnly(content: FrameContent): FrameContent {
    this.#unacknowledged = undefined;
    this.#otherBytes -= content.otherBytes;
    return content;
  }
}
