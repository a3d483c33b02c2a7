import { ChatError } from "../core/chat_error.ts";
import { EncodedFrame } from "../wire/server_frame.ts";
import { type FrameContent, type FrameSink, FrameWriter } from "./frame_writer.ts";
import { createReceipt } from "./receipt.ts";
import type { SessionDependencies } from "./session_dependencies.ts";
import type { SessionPipe } from "./session_pipe.ts";

const standardWindowBytes = 256 * 1024;

/** The content of a repeated acknowledgement. */
export const nothingNew: FrameContent = { through: 0, deliveryBytes: 0, otherBytes: 0 };

interface SentFrame {
  readonly receipt: number;
  readonly content: FrameContent;
}

/**
 * Sends frames over the client's own connection. A client acknowledges a frame by its receipt, which it knows only from
 * reading the frame: an acknowledged frame has left the memory of the server.
 */
export class SessionStream implements FrameSink {
  /** Collects the items of the frames. */
  readonly writer: FrameWriter;
  readonly windowBytes: number;
  readonly #pipe: Pick<SessionPipe, "send">;
  /** Unacknowledged frames, oldest first; undefined without any, as in an idle session. */
  #unacknowledged: SentFrame[] | undefined;
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
    const receipt = this.#newReceipt();
    if (this.#unacknowledged === undefined) this.#unacknowledged = [{ receipt, content }];
    else this.#unacknowledged.push({ receipt, content });
    this.#otherBytes += content.otherBytes;
    this.#pipe.send(new EncodedFrame(items, { through: content.through, receipt }));
  }

  /**
   * Acknowledges all frames up to the one with this receipt.
   * @returns the content of the newly acknowledged frames; {@link nothingNew} when there are none
   * @throws {ChatError} `invalid_argument` for a receipt of no unacknowledged frame, other than the last acknowledged
   */
  acknowledge(receipt: number): FrameContent {
    const count = this.#indexOf(receipt) + 1;
    if (count === 0) {
      if (receipt !== 0 && receipt === this.#lastAcknowledged) return nothingNew;
      throw new ChatError(
        "invalid_argument",
        `No unacknowledged frame has the receipt ${receipt}: acknowledge the newest frame that you have read.`,
      );
    }
    this.#lastAcknowledged = receipt;
    const newly = sumOf(this.#take(count));
    this.#otherBytes -= newly.otherBytes;
    return newly;
  }

  /** Returns a receipt that no unacknowledged frame has. */
  #newReceipt(): number {
    for (;;) {
      const receipt = createReceipt();
      if (this.#indexOf(receipt) < 0) return receipt;
    }
  }

  /** Returns the index of an unacknowledged frame, nearly always one of the first; -1 for an unknown receipt. */
  #indexOf(receipt: number): number {
    const frames = this.#unacknowledged;
    if (frames === undefined) return -1;
    for (let index = 0; index < frames.length; index++) if (frames[index].receipt === receipt) return index;
    return -1;
  }

  /** Removes and returns the first frames. */
  #take(count: number): readonly SentFrame[] {
    const frames = this.#unacknowledged!;
    if (count < frames.length) return frames.splice(0, count);
    this.#unacknowledged = undefined;
    return frames;
  }
}

function sumOf(frames: readonly SentFrame[]): FrameContent {
  if (frames.length === 1) return frames[0].content;
  const sum = { through: 0, deliveryBytes: 0, otherBytes: 0 };
  for (const { content } of frames) {
    sum.through = Math.max(sum.through, content.through);
    sum.deliveryBytes += content.deliveryBytes;
    sum.otherBytes += content.otherBytes;
  }
  return sum;
}
