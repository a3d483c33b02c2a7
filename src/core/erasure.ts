import type { Log } from "./log.ts";
import type { RoomStore } from "./room_store.ts";
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
  readonly rooms: Pick<RoomStore, "eraseDeleted">;
  readonly log: Log;
  /** Messages were erased: files that they held may have no holder any more. */
  onErased(): void;
}

/** Erases messages of deleted accounts and entries of deleted rooms, in the background; what a crash interrupts is gone on with. */
export class Erasure {
  readonly #options: ErasureOptions;
  readonly #sweep: Sweep;

  constructor(options: ErasureOptions) {
    this.#options = options;
    const work = (signal: AbortSignal) => this.#eraseAll(signal);
    this.#sweep = new Sweep({ work, log: options.log, onFailure: "messages of deleted accounts or rooms stay" });
  }

  /** Does what there is to do. Resolves when it is done, or {@link close} was called; never rejects. */
  async run(): Promise<void> {
    await this.#sweep.run();
  }

  /** Resolves when nothing uses the store any more. */
  async close(): Promise<void> {
    await this.#sweep.close();
  }

  async #eraseAll(signal: AbortSignal): Promise<void> {
    const { store, rooms, log, onErased } = this.#options;
    const blanked = await inSmallSteps((limit) => store.blankSome(limit), signal);
    const removed = await inSmallSteps((limit) => rooms.eraseDeleted(limit), signal);
    if (blanked + removed === 0) return;
    log.info("messages of deleted accounts or rooms erased", { blanked, removed });
    onErased();
  }
}
