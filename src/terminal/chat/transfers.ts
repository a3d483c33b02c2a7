import type { TransferOptions } from "../../client/file_transfer.ts";
import { ChatError } from "../../core/chat_error.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { formatBytes } from "../text/byte_size.ts";

export interface TransfersOptions {
  /** Cancels all transfers. */
  readonly signal: AbortSignal;
  /** {@link Transfers.lines} changed. */
  changed(): void;
  done(text: string): void;
  failed(text: string): void;
}

interface Running {
  readonly activity: string;
  bytes: number;
  size: number;
}

/** Files that are transferred in the background. */
export class Transfers {
  readonly #options: TransfersOptions;
  readonly #running = new Map<Running, Promise<void>>();

  constructor(options: TransfersOptions) {
    this.#options = options;
  }

  /** The progress of each transfer, safe for a terminal. */
  get lines(): string[] {
    return [...this.#running.keys()].map(({ activity, bytes, size }) => {
      const progress = size === 0 ? "" : `, ${Math.floor(100 * bytes / size)} % of ${formatBytes(size)}`;
      return `  ${sanitizeLine(activity)}${progress}`;
    });
  }

  start(activity: string, work: (options: TransferOptions) => Promise<string | undefined>): void {
    const running: Running = { activity, bytes: 0, size: 0 };
    this.#running.set(running, this.#run(running, work));
    this.#options.changed();
  }

  /** Resolves when all transfers have ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async #run(running: Running, work: (options: TransferOptions) => Promise<string | undefined>): Promise<void> {
    const { signal, changed, done, failed } = this.#options;
    const onProgress = (bytes: number, size: number) => {
      Object.assign(running, { bytes, size });
      changed();
    };
    try {
      const told = await work({ signal, onProgress });
      if (told !== undefined) done(told);
    } catch (error) {
      const why = error instanceof ChatError ? error.message : String(error);
      const subject = sanitizeLine(running.activity).replace(/^./, (first) => first.toUpperCase());
      failed(`${subject} ${signal.aborted ? "was cancelled." : `failed: ${why}`}`);
    } finally {
      this.#running.delete(running);
      changed();
    }
  }
}
