import { ChatError } from "../core/chat_error.ts";
import type { FrameContent } from "./frame_writer.ts";
import { createReceipt } from "./receipt.ts";

/** Content of no frame: an acknowledgement was repeated. */
export const nothingNew: FrameContent = { through: 0, deliveryBytes: 0, otherBytes: 0 };

/**
 * Frames that were sent and not yet acknowledged, oldest first. A client names the receipt of a frame, which it can only know
 * from reading it: what is acknowledged has left the server's memory.
 */
export class SentFrames {
  readonly #frames = new Map<number, FrameContent>();
  #acknowledged = 0;
  #otherBytes = 0;

  /** Of all items but deliveries. */
  get otherBytes(): number {
    return this.#otherBytes;
  }

  /** Takes a frame that is about to be sent. @returns its receipt. */
  add(content: FrameContent): number {
    let receipt = createReceipt();
    while (this.#frames.has(receipt)) receipt = createReceipt();
    this.#frames.set(receipt, content);
    this.#otherBytes += content.otherBytes;
    return receipt;
  }

  /**
   * Takes an acknowledgement of all frames up to the one with this receipt.
   * @returns the content of the frames that are newly acknowledged; {@link nothingNew} when there are none
   * @throws {ChatError} `invalid_argument` when no frame waits for it, and it is not the one acknowledged last.
   */
  acknowledge(receipt: number): FrameContent {
    if (!this.#frames.has(receipt)) {
      if (receipt !== 0 && receipt === this.#acknowledged) return nothingNew;
      throw new ChatError(
        "invalid_argument",
        `No frame waits to be acknowledged by receipt ${receipt}: acknowledge the newest frame that you have read.`,
      );
    }
    const newly = { through: 0, deliveryBytes: 0, otherBytes: 0 };
    for (const [each, content] of this.#frames) {
      this.#frames.delete(each);
      newly.through = Math.max(newly.through, content.through);
      newly.deliveryBytes += content.deliveryBytes;
      newly.otherBytes += content.otherBytes;
      if (each === receipt) break;
    }
    this.#otherBytes -= newly.otherBytes;
    this.#acknowledged = receipt;
    return newly;
  }
}
