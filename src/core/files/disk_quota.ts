import { ChatError } from "../chat_error.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { FileStore } from "./file_store.ts";

/** Minimum interval between two measurements of the disk, in milliseconds. */
const measureIntervalMs = 1_000;

export interface DiskQuotaOptions {
  readonly files: Pick<FileStore, "diskBytes">;
  /** Undefined for no limit. */
  readonly maxBytes: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Refuses new messages once the database and the files reach the quota; requests that free space always pass. Measures
 * about once a second in the background, so the limit can be exceeded by one or two seconds of messages.
 */
export class DiskQuota {
  readonly #options: DiskQuotaOptions;
  #isFull = false;
  #measuredAt = -Infinity;

  constructor(options: DiskQuotaOptions) {
    this.#options = options;
  }

  /** Returns the error for new messages; undefined while there is room by the last measurement. */
  refusal(): ChatError | undefined {
    const { maxBytes, clock } = this.#options;
    if (maxBytes === undefined) return undefined;
    const now = clock.now();
    if (Math.abs(now - this.#measuredAt) >= measureIntervalMs) {
      this.#measuredAt = now;
      void this.#measure(maxBytes);
    }
    if (!this.#isFull) return undefined;
    return new ChatError(
      "storage_full",
      "The server is out of storage. Try again later, or ask the operator to free space.",
    );
  }

  async #measure(maxBytes: number): Promise<void> {
    const { files, log } = this.#options;
    try {
      const bytes = await files.diskBytes();
      const isFull = bytes >= maxBytes;
      if (isFull && !this.#isFull) log.warn("refusing new messages: --max-disk is reached", { bytes, maxBytes });
      if (!isFull && this.#isFull) log.info("accepting new messages again", { bytes, maxBytes });
      this.#isFull = isFull;
    } catch (cause) {
      log.error("cannot measure the disk usage", { cause });
    }
  }
}
