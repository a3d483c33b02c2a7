import type { Log } from "../../../core/log.ts";
import type { Database } from "../database.ts";
import { LogGrowth } from "../log_growth.ts";
import type { SearchIndex } from "./search_index.ts";

export interface IndexerOptions {
  readonly database: Database;
  readonly index: SearchIndex;
  /** The newest position of the store. */
  head(): number;
  readonly log: Log;
  readonly timing?: Partial<IndexerTiming>;
}

/** All in milliseconds. */
export interface IndexerTiming {
  /** From a commit to the turn that indexes it, for what else comes; and between turns while commits go on. */
  readonly delayMs: number;
  /** How long one turn reads on; writing what it made takes about as long again. */
  readonly turnMs: number;
  /** After an error. */
  readonly retryMs: number;
  /** From a commit until the write-ahead log is rid of what it overwrote or deleted. */
  readonly forgetMs: number;
}

const standardTiming: IndexerTiming = { delayMs: 200, turnMs: 3, retryMs: 30_000, forgetMs: 60_000 };
/** In one turn, so that its transaction stays small. */
const maxEntries = 1_000;

/**
 * Keeps the index of words up with the log, in short turns between everything else: nothing that is written waits for it, and while
 * much is written, it takes a small share of the time and falls behind. It also sees to it that what was deleted does not stay in
 * the store's files for long.
 */
export class Indexer implements Disposable {
  readonly #options: IndexerOptions;
  readonly #timing: IndexerTiming;
  readonly #growth: LogGrowth;
  #turn: ReturnType<typeof setTimeout> | undefined;
  #emptying: ReturnType<typeof setTimeout> | undefined;
  #written = false;
  #closed = false;

  constructor(options: IndexerOptions) {
    this.#options = options;
    this.#timing = { ...standardTiming, ...options.timing };
    this.#growth = new LogGrowth(options.log);
  }

  /** How many entries are in the log and cannot be found yet. */
  get lag(): number {
    return Math.max(0, this.#options.head() - this.#options.index.position);
  }

  /** Goes on where the last run ended, however it did, and after each commit from now on. */
  start(): void {
    this.#options.database.onCommit = () => this.#wake();
    this.#wake();
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#options.database.onCommit = undefined;
    clearTimeout(this.#turn);
    clearTimeout(this.#emptying);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #wake(): void {
    this.#written = true;
    if (this.#turn === undefined) this.#turnAfter(this.#timing.delayMs);
    if (this.#emptying === undefined) this.#emptyLogAfter(this.#timing.forgetMs);
  }

  #turnAfter(ms: number): void {
    if (this.#closed) return;
    this.#turn = setTimeout(() => {
      this.#turn = undefined;
      const next = this.#takeTurn();
      if (next !== undefined) this.#turnAfter(next);
    }, ms);
  }

  /** @returns in how many milliseconds to go on; undefined when everything is done. */
  #takeTurn(): number | undefined {
    const { index, head, log } = this.#options;
    const { delayMs, turnMs, retryMs } = this.#timing;
    // A backlog may have what the event loop has to spare, as long as nothing is written.
    const pauseMs = this.#written ? delayMs : 0;
    this.#written = false;
    try {
      return index.takeTurn({ head: head(), turnMs, maxEntries }) ? pauseMs : undefined;
    } catch (error) {
      log.error("messages cannot be indexed for search", { error, retryMs });
      return retryMs;
    }
  }

  #emptyLogAfter(ms: number): void {
    if (this.#closed) return;
    this.#emptying = setTimeout(() => {
      this.#emptying = undefined;
      if (!this.#emptyLog()) this.#emptyLogAfter(this.#timing.forgetMs);
    }, ms);
  }

  #emptyLog(): boolean {
    try {
      const { database } = this.#options;
      const emptied = database.truncateLog();
      this.#growth.tried({ emptied, bytes: database.logBytes });
      return emptied;
    } catch (error) {
      this.#options.log.error("the write-ahead log cannot be emptied of what was deleted", { error });
      return false;
    }
  }
}
