import type { Log } from "../../core/log.ts";

/** The first size to warn about, in bytes: 256 MiB. */
export const largeLogBytes = 256 * 1024 * 1024;

/** Warns when the write-ahead log grows because it cannot be truncated, each time its size has doubled. */
export class LogGrowth {
  readonly #log: Log;
  #next = largeLogBytes;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Records an attempt to truncate the log, with its current size. */
  recordAttempt({ emptied, bytes }: { emptied: boolean; bytes: number }): void {
    if (emptied) {
      if (this.#next > largeLogBytes) this.#log.info("the write-ahead log was truncated");
      this.#next = largeLogBytes;
    } else if (bytes >= this.#next) {
      this.#log.warn("the write-ahead log grows: another process reads an old state of the database", {
        bytes,
        reason: 'a running backup or "chatd doctor --check-database", or another program that has chatd.sqlite open',
      });
      this.#next = 2 * bytes;
    }
  }
}
