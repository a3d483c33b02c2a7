import type { TransferOptions } from "../../client/file_transfer.ts";
import { ChatError } from "../../core/chat_error.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { formatBytes } from "../text/transcript.ts";

export interface TransfersOptions {
  /** Gives all of them up. */
  readonly signal: AbortSignal;
  /** {@link Transfers.lines} are others than before. */
  changed(): void;
  done(text: string): void;
  failed(text: string): void;
}

interface Running {
  readonly what: string;
  bytes: number;
  size: number;
}

/** Files that are on their way while the person goes on. */
export class Transfers {
  readonly #options: TransfersOptions;
  readonly #running = new Map<Running, Promise<void>>();

  constructor(options: TransfersOptions) {
    this.#options = options;
  }

  /** How far each is, safe for a terminal. */
  get lines(): string[] {
    return [...this.#running.keys()].map(({ what, bytes, size }) => {
      const progress = size === 0 ? "" : `, ${Math.floor(100 * bytes / size)} % of ${formatBytes(size)}`;
      return `  ${sanitizeLine(what)}${progress}`;
    });
  }

  start(what: string, work: (options: TransferOptions) => Promise<string | undefined>): void {
    const running: Running = { what, bytes: 0, size: 0 };
    this.#running.set(running, this.#run(running, work));
    this.#options.changed();
  }

  /** Resolves when none is left. */
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
      if (!signal.aborted) failed(`${sanitizeLine(running.what)} failed: ${why}`);
    } finally {
      this.#running.delete(running);
      changed();
    }
  }
}
