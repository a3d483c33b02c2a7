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
  /** The wait from a commit to the turn that indexes it, to index further commits with it; and between turns. */
  readonly delayMs: number;
  /** How long a turn reads; writing takes about as long again. */
  readonly turnMs: number;
  /** The wait after an error. */
  readonly retryMs: number;
  /** The wait from a commit until overwritten and deleted data is removed from the write-ahead log. */
  readonly forgetMs: number;
}

const standardTiming: IndexerTiming = { delayMs: 200, turnMs: 3, retryMs: 30_000, forgetMs: 60_000 };
/** Entries per turn, to keep the transaction small. */
const maxEntries = 1_000;
/**
 * Commits since the last truncation of the write-ahead log after which it is allocated again. They fill about as much
 * of it; a server with few messages would write little else than zeros.
 */
export const busyCommits = 256;

/**
 * Indexes the log for search in short turns, so commits do not wait for it; under load it takes a small share of the
 * time and falls behind. It also truncates the write-ahead log, which removes deleted data from the store's files.
 */
export class Indexer implements Disposable {
  readonly #options: IndexerOptions;
  readonly #timing: IndexerTiming;
  readonly #growth: LogGrowth;
  #turn: ReturnType<typeof setTimeout> | undefined;
  #truncation: ReturnType<typeof setTimeout> | undefined;
  #written = false;
  /** Commits since the last truncation. */
  #commits = 0;
  #closed = false;

  constructor(options: IndexerOptions) {
    this.#options = options;
    this.#timing = { ...standardTiming, ...options.timing };
    this.#growth = new LogGrowth(options.log);
  }

  /** The number of entries that are not indexed yet. */
  get lag(): number {
    return Math.max(0, this.#options.head() - this.#options.index.position);
  }

  /** Resumes where the last run ended, and indexes after each commit from now on. */
  start(): void {
    this.#options.database.onCommit = () => this.#onCommit();
    this.#onCommit();
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#options.database.onCommit = undefined;
    clearTimeout(this.#turn);
    clearTimeout(this.#truncation);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #onCommit(): void {
    this.#written = true;
    this.#commits += 1;
    if (this.#turn === undefined) this.#scheduleTurn(this.#timing.delayMs);
    if (this.#truncation === undefined) this.#scheduleTruncation(this.#timing.forgetMs);
  }

  #scheduleTurn(ms: number): void {
    if (this.#closed) return;
    this.#turn = setTimeout(() => {
      this.#turn = undefined;
      const next = this.#takeTurn();
      if (next !== undefined) this.#scheduleTurn(next);
    }, ms);
  }

  /** @returns the wait until the next turn, in milliseconds; undefined if the index is up to date */
  #takeTurn(): number | undefined {
    const { index, head, log } = this.#options;
    const { delayMs, turnMs, retryMs } = this.#timing;
    // While there are no commits, a backlog is indexed without a wait.
    const pauseMs = this.#written ? delayMs : 0;
    this.#written = false;
    try {
      return index.takeTurn({ head: head(), turnMs, maxEntries }) ? pauseMs : undefined;
    } catch (error) {
      log.error("cannot index messages for search", { error, retryMs });
      return retryMs;
    }
  }

  #scheduleTruncation(ms: number): void {
    if (this.#closed) return;
    this.#truncation = setTimeout(() => {
      this.#truncation = undefined;
      if (!this.#truncateLog()) this.#scheduleTruncation(this.#timing.forgetMs);
    }, ms);
  }

  #truncateLog(): boolean {
    try {
      const { database } = this.#options;
      const emptied = database.truncateLog();
      this.#growth.recordAttempt({ emptied, bytes: database.logBytes });
      if (!emptied) return false;
      if (this.#commits >= busyCommits) database.allocateLog();
      this.#commits = 0;
      return true;
    } catch (error) {
      this.#options.log.error("cannot truncate the write-ahead log, which still contains deleted data", { error });
      return false;
    }
  }
}
