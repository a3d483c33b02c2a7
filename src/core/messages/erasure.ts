import type { Log } from "../log.ts";
import type { RoomStore } from "../rooms/room_store.ts";
import { inSmallSteps } from "../small_steps.ts";
import { Sweep } from "../sweep.ts";

const tryEveryMs = 60 * 60 * 1000;

/** The messages of users who deleted their account with everything that they wrote. */
export interface ErasureStore {
  /**
   * Blanks at most `limit` messages of one of these users, as deletions do, but without appending entries.
   * @returns the number of messages examined; 0 when none is left.
   */
  blankSome(limit: number): Promise<number>;
}

export interface ErasureOptions {
  readonly store: ErasureStore;
  readonly rooms: Pick<RoomStore, "eraseDeleted">;
  readonly log: Log;
  /** Interval between runs, in milliseconds. Default: one hour. */
  readonly everyMs?: number;
  /** Called when messages were erased: their files may have no holder left. */
  onErased(): void;
}

/**
 * Erases messages of deleted accounts and entries of deleted rooms in the background, in two sweeps that fail
 * independently. The next run resumes after a failure or a crash.
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

  /** Runs at once and then every hour, until {@link close}. */
  start(): void {
    for (const sweep of this.#sweeps) sweep.start();
  }

  /**
   * Erases everything that is due. Resolves when it is done, when it has failed (the failure is logged, and the next
   * run retries), or when {@link close} was called. Never rejects.
   */
  async run(): Promise<void> {
    await Promise.all(this.#sweeps.map((sweep) => sweep.run()));
  }

  /** Resolves when the store is no longer used. */
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
