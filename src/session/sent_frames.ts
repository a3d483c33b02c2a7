import { ChatError } from "../core/chat_error.ts";
import type { FrameContent } from "./frame_writer.ts";
import { createReceipt } from "./receipt.ts";

/** The content of a repeated acknowledgement. */
export const nothingNew: FrameContent = { through: 0, deliveryBytes: 0, otherBytes: 0 };

/** Numbers of each frame: its receipt, `through`, `deliveryBytes` and `otherBytes`. */
const fields = 4;

/**
 * The frames that a client has not acknowledged yet. A busy server has tens of thousands of them for a second each:
 * they are numbers side by side, which are compared fast and cost the garbage collector nothing.
 */
export class SentFrames {
  /** The {@link fields} of all frames, oldest first; undefined without any, as in an idle session. */
  #numbers: number[] | undefined;
  #lastAcknowledged = 0;

  /** Adds a frame. @returns its receipt, which no other frame has */
  add({ through, deliveryBytes, otherBytes }: FrameContent): number {
    const receipt = this.#newReceipt();
    if (this.#numbers === undefined) this.#numbers = [receipt, through, deliveryBytes, otherBytes];
    else this.#numbers.push(receipt, through, deliveryBytes, otherBytes);
    return receipt;
  }

  /**
   * Removes all frames up to the one with this receipt.
   * @returns the content of the removed frames; {@link nothingNew} when there are none
   * @throws {ChatError} `invalid_argument` for a receipt of no frame, other than the last acknowledged
   */
  acknowledge(receipt: number): FrameContent {
    const index = this.#indexOf(receipt);
    if (index >= 0) {
      this.#lastAcknowledged = receipt;
      return this.#take(index + fields);
    }
    if (receipt !== 0 && receipt === this.#lastAcknowledged) return nothingNew;
    throw new ChatError(
      "invalid_argument",
      `No unacknowledged frame has the receipt ${receipt}: acknowledge the newest frame that you have read.`,
    );
  }

  #newReceipt(): number {
    for (;;) {
      const receipt = createReceipt();
      if (this.#indexOf(receipt) < 0) return receipt;
    }
  }

  /** Returns the index of the first number of a frame, nearly always one of the first; -1 for an unknown receipt. */
  #indexOf(receipt: number): number {
    const numbers = this.#numbers;
    if (numbers === undefined) return -1;
    for (let index = 0; index < numbers.length; index += fields) if (numbers[index] === receipt) return index;
    return -1;
  }

  /** Removes the first numbers. @returns the content of their frames together */
  #take(count: number): FrameContent {
    const numbers = this.#numbers!;
    const sum = { through: 0, deliveryBytes: 0, otherBytes: 0 };
    for (let index = 0; index < count; index += fields) {
      sum.through = Math.max(sum.through, numbers[index + 1]);
      sum.deliveryBytes += numbers[index + 2];
      sum.otherBytes += numbers[index + 3];
    }
    if (count < numbers.length) numbers.splice(0, count);
    else this.#numbers = undefined;
    return sum;
  }
}
