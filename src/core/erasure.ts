import type { Log } from "./log.ts";
import { inSmallSteps } from "./small_steps.ts";
import { Sweep } from "./sweep.ts";

/** Users who deleted their account together with what they wrote. */
export interface ErasureStore {
  /**
   * Blanks at most `limit` messages of one of them, as deletions do, but without entries that tell of it.
   * @returns how many were looked at; 0 when nothing is left to do.
   */
  blankSome(limit: number): Promise<number>;
}

export interface ErasureOptions {
  readonly store: ErasureStore;
  readonly log: Log;
  /** Messages were blanked: files that they held may have no holder any more. */
  onBlanked(): void;
}

/** Blanks what those wrote who are gone, in the background; what a crash interrupts is gone on with. */
export class Erasure {
  readonly #options: ErasureOptions;
  readonly #sweep: Sweep;

  constructor(options: ErasureOptions) {
    this.#options = options;
    const work = (signal: AbortSignal) => this.#blankAll(signal);
    this.#sweep = new Sweep({ work, log: options.log, onFailure: "messages of a deleted account stay" });
  }

  /** Does what there is to do. Resolves when it is done, or {@link close} was called; never rejects. */
  async run(): Promise<void> {
    await this.#sweep.run();
  }

  /** Resolves when nothing uses the store any more. */
  async close(): Promise<void> {
    await this.#sweep.close();
  }

  async #blankAll(signal: AbortSignal): Promise<void> {
    const { store, log, onBlanked } = this.#options;
    const blanked = await inSmallSteps((limit) => store.blankSome(limit), signal);
    if (blanked === 0) return;
    log.info("messages of deleted accounts blanked", { blanked });
    onBlanked();
  }
}
