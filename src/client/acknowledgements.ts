import type { Ack } from "../gen/chatd/v1/session.ts";
import { otherItemOverhead } from "../wire/limits.ts";
import type { ReceivedFrame } from "./received_frame.ts";

/**
 * Returns the bytes that a frame takes of the server's window, of deliveries and other items together. Counts no less
 * than the server, and more only by the fields at the end of the frame.
 */
export function windowBytesOf({ items, bytes }: ReceivedFrame): number {
  const others = items.reduce((count, { kind }) => kind?.$case === "message" ? count : count + 1, 0);
  return bytes + others * otherItemOverhead;
}

/** The frames of one session that the client has taken and not acknowledged. */
export class Acknowledgements {
  #unacknowledgedBytes = 0;
  #receipt = 0;
  #sentReceipt = 0;
  #hasDeliveries = false;
  #dueBytes = 64 * 1024;

  /** The server's window, in bytes: a quarter of it is acknowledged without delay. */
  set windowBytes(bytes: number) {
    if (bytes > 0) this.#dueBytes = bytes / 4;
  }

  /** Notes that a frame and all frames before it are safe with the consumer. */
  add(frame: ReceivedFrame): void {
    if (frame.receipt === 0) return;
    this.#receipt = frame.receipt;
    this.#hasDeliveries ||= frame.through > 0;
    this.#unacknowledgedBytes += windowBytesOf(frame);
  }

  /** Reports whether deliveries are unacknowledged: their acknowledgement has to be sent soon. */
  get hasDeliveries(): boolean {
    return this.#hasDeliveries;
  }

  /** Reports whether an acknowledgement has to be sent now, in a frame of its own if necessary. */
  get isDue(): boolean {
    return this.#unacknowledgedBytes >= this.#dueBytes;
  }

  /** Returns the acknowledgement to send now; undefined when the server has it already. */
  take(): Ack | undefined {
    if (this.#receipt === this.#sentReceipt) return undefined;
    this.#unacknowledgedBytes = 0;
    this.#hasDeliveries = false;
    this.#sentReceipt = this.#receipt;
    return { receipt: this.#receipt };
  }
}
