import { ChatError } from "../core/chat_error.ts";
import type { FrameContent } from "./frame_writer.ts";
import { createReceipt } from "./receipt.ts";

/** The content of a repeated acknowledgement. */
export const nothingNew: FrameContent = { through: 0, deliveryBytes: 0, otherBytes: 0 };

/** The frames that a client has not acknowledged yet. */
export class SentFrames {
  /**
   * Receipts, oldest first: numbers side by side, because each new receipt is compared with all of them. Undefined
   * without any, as in an idle session.
   */
  #receipts: number[] | undefined;
  /** The content of each frame. */
  #contents: FrameContent[] | undefined;
  #lastAcknowledged = 0;

  /** Adds a frame. @returns its receipt, which no other frame has */
  add(content: FrameContent): number {
    const receipt = this.#newReceipt();
    if (this.#receipts === undefined) {
      this.#receipts = [receipt];
      this.#contents = [content];
    } else {
      this.#receipts.push(receipt);
      this.#contents!.push(content);
    }
    return receipt;
  }

  /**
   * Removes all frames up to the one with this receipt.
   * @returns the content of the removed frames; {@link nothingNew} when there are none
   * @throws {ChatError} `invalid_argument` for a receipt of no frame, other than the last acknowledged
   */
  acknowledge(receipt: number): FrameContent {
    const count = (this.#receipts?.indexOf(receipt) ?? -1) + 1;
    if (count === 0) {
      if (receipt !== 0 && receipt === this.#lastAcknowledged) return nothingNew;
      throw new ChatError(
        "invalid_argument",
        `No unacknowledged frame has the receipt ${receipt}: acknowledge the newest frame that you have read.`,
      );
    }
    this.#lastAcknowledged = receipt;
    return sumOf(this.#take(count));
  }

  #newReceipt(): number {
    for (;;) {
      const receipt = createReceipt();
      if (this.#receipts === undefined || !this.#receipts.includes(receipt)) return receipt;
    }
  }

  /** Removes the first frames. @returns their contents */
  #take(count: number): readonly FrameContent[] {
    const contents = this.#contents!;
    if (count < contents.length) {
      this.#receipts!.splice(0, count);
      return contents.splice(0, count);
    }
    this.#receipts = this.#contents = undefined;
    return contents;
  }
}

function sumOf(contents: readonly FrameContent[]): FrameContent {
  if (contents.length === 1) return contents[0];
  const sum = { through: 0, deliveryBytes: 0, otherBytes: 0 };
  for (const { through, deliveryBytes, otherBytes } of contents) {
    sum.through = Math.max(sum.through, through);
    sum.deliveryBytes += deliveryBytes;
    sum.otherBytes += otherBytes;
  }
  return sum;
}
