import { ChatError } from "./chat_error.ts";
import { KeyedLock } from "./keyed_lock.ts";

const standardSliceMs = 2;
const standardShortestRestMs = 1;
/** Pages of one user that are being made or queued: as many as the user's calls and sessions. */
const maxPagesOfUser = 128;

export interface PageTurnsOptions {
  /** Runs a callback in the next iteration of the event loop, after the input that is ready now was read. */
  defer(callback: () => void): void;
  /** Runs a callback after so many milliseconds; `setTimeout` unless given. */
  rest?(callback: () => void, ms: number): void;
  /** Longest slice of a page, in milliseconds; 2 unless given. */
  sliceMs?: number;
  /** Shorter rests are accumulated, as a timer takes at least a millisecond; 1 unless given. */
  shortestRestMs?: number;
}

/** The time slice of a page. */
export interface Turn {
  /** True once the slice is used up: await {@link next} before doing more work. */
  readonly isOver: boolean;
  /** Resolves at the page's next turn. @throws {ChatError} `unavailable` once the server shuts down */
  next(): Promise<void>;
}

/**
 * Makes pages in slices, so that a large page does not delay messages. A user has one page in progress at a time, and
 * the pages of different users take turns. After a slice, the event loop is free for as long as the slice took: sending
 * a message takes many iterations of it and would otherwise wait for a slice in each.
 *
 * Entries may be committed between two slices. A page stays consistent because it determines its bounds in the first
 * slice: it lists the entries within them, each in its state when the slice reads it, and the next page continues from
 * the bound.
 */
export class PageTurns {
  readonly #options: PageTurnsOptions;
  readonly #users = new KeyedLock();
  readonly #pagesOf = new Map<string, number>();
  readonly #waiting = new Set<PromiseWithResolvers<void>>();
  #dispatching: Promise<void> | undefined;
  /** Milliseconds of slices that no rest has made up for yet. */
  #owedMs = 0;
  #closed: ChatError | undefined;

  constructor(options: PageTurnsOptions) {
    this.#options = options;
  }

  /**
   * Runs `work` as a page of `user` when its turn comes. Leaves the queue when `signal` aborts.
   * @throws {ChatError} `busy` when the user has too many pages; `unavailable`; errors of `work`; the signal's reason
   */
  async run<T>(
    user: string,
    work: (turn: Turn) => Promise<T>,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<T> {
    const pages = this.#pagesOf.get(user) ?? 0;
    if (pages >= maxPagesOfUser) throw tooManyPages();
    this.#pagesOf.set(user, pages + 1);
    try {
      return await this.#users.run(user, async () => {
        const turn = new Slice(() => this.#waitForTurn(signal), this.#options.sliceMs ?? standardSliceMs);
        await turn.next();
        return await work(turn);
      });
    } finally {
      this.#forgetPage(user);
    }
  }

  #forgetPage(user: string): void {
    const left = this.#pagesOf.get(user)! - 1;
    if (left === 0) this.#pagesOf.delete(user);
    else this.#pagesOf.set(user, left);
  }

  /** Rejects all turns with `reason` from now on. Resolves when no page is in progress. */
  async close(reason: ChatError): Promise<void> {
    this.#closed = reason;
    for (const { reject } of this.#waiting) reject(reason);
    this.#waiting.clear();
    await this.#dispatching;
  }

  #waitForTurn(signal: AbortSignal | undefined): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#dispatching === undefined) {
      this.#dispatching = this.#dispatchTurns();
      return Promise.resolve();
    }
    const turn = Promise.withResolvers<void>();
    this.#waiting.add(turn);
    if (signal === undefined) return turn.promise;
    const leave = () => {
      this.#waiting.delete(turn);
      turn.reject(signal.reason);
    };
    signal.addEventListener("abort", leave, { once: true });
    return turn.promise.finally(() => signal.removeEventListener("abort", leave));
  }

  /** Frees the event loop for as long as each slice took, then starts the next one. */
  async #dispatchTurns(): Promise<void> {
    const { defer, rest = setTimeout, shortestRestMs = standardShortestRestMs } = this.#options;
    for (;;) {
      const beganAt = performance.now();
      await new Promise<void>((resolve) => defer(resolve));
      this.#owedMs += performance.now() - beganAt;
      if (this.#owedMs >= shortestRestMs) {
        await new Promise<void>((resolve) => rest(resolve, this.#owedMs));
        this.#owedMs = 0;
      }
      const [next] = this.#waiting;
      if (next === undefined) break;
      this.#waiting.delete(next);
      next.resolve();
    }
    this.#dispatching = undefined;
  }
}

function tooManyPages(): ChatError {
  return new ChatError("busy", `You have ${maxPagesOfUser} lists and pages in progress. Wait for them.`, {
    retryAfterMs: 1_000,
  });
}

class Slice implements Turn {
  readonly #takeTurn: () => Promise<void>;
  readonly #sliceMs: number;
  #endsAt = 0;

  constructor(take: () => Promise<void>, sliceMs: number) {
    this.#takeTurn = take;
    this.#sliceMs = sliceMs;
  }

  get isOver(): boolean {
    return performance.now() >= this.#endsAt;
  }

  async next(): Promise<void> {
    await this.#takeTurn();
    this.#endsAt = performance.now() + this.#sliceMs;
  }
}
