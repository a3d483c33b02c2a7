import { ChatError } from "./chat_error.ts";
import { KeyedLock } from "./keyed_lock.ts";

const standardSliceMs = 2;
const standardShortestRestMs = 1;
/** Pages of a user that are made or wait for their turn: as many as their calls and sessions. */
const maxPagesOfUser = 128;

export interface PageTurnsOptions {
  /** Runs a callback in the next round of the event loop, after the input that is ready now has been read. */
  defer(callback: () => void): void;
  /** Runs a callback after so many milliseconds; `setTimeout` unless given. */
  rest?(callback: () => void, ms: number): void;
  /** How long one slice of a page may keep others waiting, in milliseconds; 2 unless given. */
  sliceMs?: number;
  /** Shorter rests are added up, as a timer takes a millisecond at least; 1 unless given. */
  shortestRestMs?: number;
}

/** The time that a page has until others are due. */
export interface Turn {
  /** Enough was done at once: {@link next} is to be awaited before more is. */
  readonly isOver: boolean;
  /** Resolves when it is this page's turn again. @throws {ChatError} `unavailable` once the server shuts down. */
  next(): Promise<void>;
}

/**
 * Has pages made in slices, so that a large one keeps no message waiting. One page of a user is made at a time, and the pages of different users
 * take turns, a slice each. After a slice the event loop is left to everything else for as long as the slice took: sending a message takes many rounds of it,
 * and would wait for a slice in each.
 *
 * Entries may be committed between two slices. A page stays correct since its bounds are read in the first slice: it then lists what lay within
 * them, each as it is when its slice reads it, and the next page goes on from the bound.
 */
export class PageTurns {
  readonly #options: PageTurnsOptions;
  readonly #users = new KeyedLock();
  readonly #pagesOf = new Map<string, number>();
  readonly #waiting = new Set<PromiseWithResolvers<void>>();
  #resting: Promise<void> | undefined;
  /** Milliseconds that slices took, and that no rest made up for yet. */
  #owedMs = 0;
  #closed: ChatError | undefined;

  constructor(options: PageTurnsOptions) {
    this.#options = options;
  }

  /**
   * Makes a page for `user`: begins `work` when it is its turn. The page leaves the queue when `signal` is aborted.
   * @throws {ChatError} `busy` when too many pages of the user wait; `unavailable`; errors of `work`; the signal's
   * reason
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
        const turn = new Slice(() => this.#take(signal), this.#options.sliceMs ?? standardSliceMs);
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

  /** Refuses all turns with `reason` from now on. Resolves when nothing runs any more. */
  async close(reason: ChatError): Promise<void> {
    this.#closed = reason;
    for (const { reject } of this.#waiting) reject(reason);
    this.#waiting.clear();
    await this.#resting;
  }

  #take(signal: AbortSignal | undefined): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#resting === undefined) {
      this.#resting = this.#rest();
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

  /** After each slice, leaves the event loop to others for as long as it took; then the next one begins. */
  async #rest(): Promise<void> {
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
    this.#resting = undefined;
  }
}

function tooManyPages(): ChatError {
  return new ChatError("busy", `${maxPagesOfUser} lists and pages of yours are not done yet: wait for them.`, {
    retryAfterMs: 1_000,
  });
}

class Slice implements Turn {
  readonly #take: () => Promise<void>;
  readonly #sliceMs: number;
  #endsAt = 0;

  constructor(take: () => Promise<void>, sliceMs: number) {
    this.#take = take;
    this.#sliceMs = sliceMs;
  }

  get isOver(): boolean {
    return performance.now() >= this.#endsAt;
  }

  async next(): Promise<void> {
    await this.#take();
    this.#endsAt = performance.now() + this.#sliceMs;
  }
}
