import type { Log } from "../../../core/log.ts";
import type { Database } from "../database.ts";

/** Heads to write in one transaction: a few milliseconds of work. */
const headsPerTurn = 256;

/** All in milliseconds. */
export interface HeadsWriterTiming {
  /** The wait from the first unwritten head to the turn that writes it. */
  readonly delayMs: number;
  /** The wait after an error. */
  readonly retryMs: number;
}

const standardTiming: HeadsWriterTiming = { delayMs: 5_000, retryMs: 30_000 };

/** Writes the heads of conversations some time after they moved, until it is closed. */
export class HeadsWriter implements Disposable {
  readonly #database: Database;
  readonly #log: Log;
  readonly #timing: HeadsWriterTiming;
  #turn: ReturnType<typeof setTimeout> | undefined;

  constructor(
    { database, log, timing = standardTiming }: {
      database: Database;
      log: Log;
      timing?: HeadsWriterTiming;
    },
  ) {
    this.#database = database;
    this.#log = log;
    this.#timing = timing;
    const { heads } = database;
    heads.onUnwritten = () => this.#schedule(timing.delayMs);
    if (heads.unwritten > 0) heads.onUnwritten();
  }

  /** Idempotent. */
  close(): void {
    this.#database.heads.onUnwritten = undefined;
    clearTimeout(this.#turn);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #schedule(ms: number): void {
    clearTimeout(this.#turn);
    this.#turn = setTimeout(() => this.#takeTurn(), ms);
  }

  #takeTurn(): void {
    const { heads } = this.#database;
    const { delayMs, retryMs } = this.#timing;
    try {
      this.#database.writeHeads(Math.min(heads.unwritten, headsPerTurn));
      if (heads.unwritten > 0) this.#schedule(heads.unwritten < headsPerTurn ? delayMs : 0);
    } catch (error) {
      this.#log.error("cannot write the heads of conversations", { error, retryMs });
      this.#schedule(retryMs);
    }
  }
}
