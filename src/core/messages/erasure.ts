import type { Log } from "../log.ts";
import type { RoomStore } from "../rooms/room_store.ts";
import { inSmallSteps } from "../small_steps.ts";
import { Sweep } from "../sweep.ts";

const tryEveryMs = 60 * 60 * 1000;

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
  /** How often it tries once it is started, in milliseconds; every hour unless given. */
  readonly everyMs?: number;
  /** Messages were erased: files that they held may have no holder any more. */
  onErased(): void;
}

/**
 * Erases messages of deleted accounts and entries of deleted rooms, in the background and apart, so that a failure of one leaves
 * the other alone. What fails or is interrupted is gone on with by the next run, also after a crash.
 */
export class Erasure {
  readonly #options: ErasureOptions;
  readonly #sweeps: readonly Sweep[];

  constructor(options: ErasureOptions) {
    const { store, rooms } = options;
    this.#options = options;
    this.#sweeps = [
      this.#sweepOf("messages of deleted accounts", (limit) => store.blankSome(limit)),
      this.#sweepOf("entries of deleted rooms", (limit) => rooms.eraseDeleted(limit)),
    ];
  }

  /** From now on runs, at once and every hour, until {@link close}. */
  start(): void {
    for (const sweep of this.#sweeps) sweep.start();
  }

  /**
   * Does what there is to do. Resolves when it is done, has failed, which is logged and done again by the next run, or
   * {@link close} was called; never rejects.
   */
  async run(): Promise<void> {
    await Promise.all(this.#sweeps.map((sweep) => sweep.run()));
  }

  /** Resolves when nothing uses the store any more. */
  async close(): Promise<void> {
    await Promise.all(this.#sweeps.map((sweep) => sweep.close()));
  }

  #sweepOf(subject: string, step: (limit: number) => Promise<number>): Sweep {
    const { log, everyMs = tryEveryMs, onErased } = this.#options;
    const work = async (signal: AbortSignal) => {
      const erased = await inSmallSteps(step, signal);
      if (erased === 0) return;
      log.info(`${subject} erased`, { erased });
      onErased();
    };
    return new Sweep({ everyMs, work, log, failureEvent: `${subject} stay` });
  }
}
