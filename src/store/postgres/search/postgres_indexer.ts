import type { Log } from "../../../core/log.ts";
import type { PostgresSearchIndex } from "./postgres_search_index.ts";

export interface PostgresIndexerOptions {
  readonly index: PostgresSearchIndex;
  /** The newest position of the store. */
  head(): number;
  readonly log: Log;
  readonly timing?: Partial<PostgresIndexerTiming>;
}

/** All in milliseconds. */
export interface PostgresIndexerTiming {
  /** The wait between two turns while there are commits, and between two looks at the head. */
  readonly delayMs: number;
  /** How long a turn splits texts without a pause. */
  readonly turnMs: number;
  /** The wait for changes that move no head, such as a removal. */
  readonly idleMs: number;
  /** The wait after an error. */
  readonly retryMs: number;
}

const standardTiming: PostgresIndexerTiming = { delayMs: 200, turnMs: 3, idleMs: 10_000, retryMs: 30_000 };
/** Entries of a turn while there are commits, so that they do not wait for it, and of one while there are none. */
const busyEntries = 64;
const quietEntries = 512;

/** Indexes the log for search in short turns; under load it takes a small share of the time and falls behind. */
export class PostgresIndexer implements AsyncDisposable {
  readonly #options: PostgresIndexerOptions;
  readonly #timing: PostgresIndexerTiming;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn: Promise<void> | undefined;
  #closed = false;
  #seenHead = 0;
  /** When changes without a head are looked for, by `performance.now()`. */
  #idleUntil = 0;

  constructor(options: PostgresIndexerOptions) {
    this.#options = options;
    this.#timing = { ...standardTiming, ...options.timing };
  }

  /** The number of entries that are not indexed yet. */
  get lag(): number {
    return Math.max(0, this.#options.head() - this.#options.index.position);
  }

  /** Resumes where the last run ended, and indexes new entries from now on. */
  start(): void {
    this.#schedule(0);
  }

  /** Resolves when no turn runs any more. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#turn;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #schedule(ms: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#turn = this.#takeTurn().then((next) => {
        this.#turn = undefined;
        this.#schedule(next);
      });
    }, ms);
  }

  /** @returns the wait until the next turn, in milliseconds */
  async #takeTurn(): Promise<number> {
    const { index, log } = this.#options;
    const { delayMs, turnMs, idleMs, retryMs } = this.#timing;
    try {
      const head = this.#options.head();
      const isBusy = head !== this.#seenHead;
      this.#seenHead = head;
      if (head === index.position && performance.now() < this.#idleUntil) return delayMs;
      const maxEntries = isBusy ? busyEntries : quietEntries;
      const hasMore = await index.takeTurn({ head, turnMs, maxEntries });
      this.#idleUntil = performance.now() + idleMs;
      // A backlog is indexed without a wait while there are no commits.
      return hasMore && !isBusy ? 0 : delayMs;
    } catch (error) {
      if (this.#closed) return 0;
      log.error("cannot index messages for search", { error, retryMs });
      return retryMs;
    }
  }
}
