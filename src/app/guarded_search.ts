import { ChatError } from "../core/chat_error.ts";
import type { MessageSearch, SearchRequest, SearchResult } from "../core/search/message_search.ts";

/** Maximum number of running and waiting searches. */
const maxSearches = 32;
const maxSearchesOfUser = 2;
/**
 * How long a user waits after a search timed out: the abandoned query may not stop at once, and keep a processor busy.
 */
const waitMs = 60_000;

/** Bounds the searches of each user, and of all, so that they cannot keep a store busy. */
export class GuardedSearch implements MessageSearch {
  readonly #search: MessageSearch;
  #running = 0;
  readonly #ofUser = new Map<string, number>();
  /** The end of each user's wait, by `performance.now()`; oldest first. */
  readonly #waitEnds = new Map<string, number>();

  constructor(search: MessageSearch) {
    this.#search = search;
  }

  async find(request: SearchRequest): Promise<SearchResult> {
    const { user } = request;
    this.#refuseWaitingUser(user);
    const ofUser = this.#ofUser.get(user) ?? 0;
    if (ofUser >= maxSearchesOfUser) {
      throw new ChatError(
        "rate_limited",
        `${maxSearchesOfUser} of your searches are still running: wait for them to finish.`,
        {
          retryAfterMs: 1_000,
        },
      );
    }
    if (this.#running >= maxSearches) {
      throw new ChatError("busy", "Too many searches are running: try again in a few seconds.", {
        retryAfterMs: 2_000,
      });
    }
    this.#ofUser.set(user, ofUser + 1);
    this.#running += 1;
    try {
      return await this.#search.find(request);
    } catch (error) {
      if (error instanceof ChatError && error.code === "limit_reached") {
        this.#waitEnds.delete(user);
        this.#waitEnds.set(user, performance.now() + waitMs);
      }
      throw error;
    } finally {
      this.#running -= 1;
      const left = this.#ofUser.get(user)! - 1;
      if (left > 0) this.#ofUser.set(user, left);
      else this.#ofUser.delete(user);
    }
  }

  #refuseWaitingUser(user: string): void {
    const now = performance.now();
    for (const [other, until] of this.#waitEnds) {
      if (until > now) break;
      this.#waitEnds.delete(other);
    }
    const until = this.#waitEnds.get(user);
    if (until === undefined) return;
    throw new ChatError(
      "rate_limited",
      "Your last search took too long: wait a minute, then search for more specific words.",
      {
        retryAfterMs: Math.ceil(until - now),
      },
    );
  }
}
