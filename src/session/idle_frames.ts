import { ChatError } from "../core/chat_error.ts";

/** Empty frames and repeated acknowledgements that a client may send in a row, as they cost no tokens. */
export const maxIdleFrames = 1_000;

/** Counts the empty frames and repeated acknowledgements of a client since its last progress. */
export class IdleFrames {
  #count = 0;

  /** Counts a frame. @throws {ChatError} `invalid_argument` after {@link maxIdleFrames} in a row */
  add(): void {
    if (++this.#count <= maxIdleFrames) return;
    throw new ChatError(
      "invalid_argument",
      `${maxIdleFrames} frames in a row had no request: send requests in frames.`,
    );
  }

  /** Notes progress. */
  reset(): void {
    this.#count = 0;
  }
}
