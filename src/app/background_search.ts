import { ChatError } from "../core/chat_error.ts";
import type { Log } from "../core/log.ts";
import type { MessageSearch, SearchRequest, SearchResult } from "../core/search/message_search.ts";
import { BackgroundWorker } from "../host/background_worker.ts";
import { hasFilesForThread } from "../host/spare_files.ts";
import type { JobName, JobOf } from "./background_jobs.ts";

const job = "search" satisfies JobName;
/** Maximum number of running and waiting searches. */
const maxSearches = 32;
const maxSearchesOfUser = 2;
const deadlineMs = 5_000;
/**
 * How long a user waits after a search timed out: the abandoned query cannot be stopped, and may keep a processor busy.
 */
const waitMs = 60_000;

export interface BackgroundSearchOptions {
  /** The data folder. */
  readonly folder: string;
  readonly log: Log;
  /** URL of the program's entry file; that of this process unless given. */
  readonly entry?: string;
}

/** Searches in a separate thread, so that other requests do not wait for it. */
export class BackgroundSearch implements MessageSearch, Disposable {
  readonly #worker: BackgroundWorker<JobOf<typeof job>>;
  readonly #ofUser = new Map<string, number>();
  /** The end of each user's wait, by `performance.now()`; oldest first. */
  readonly #waitEnds = new Map<string, number>();

  constructor({ folder, log, entry }: BackgroundSearchOptions) {
    const mayStart = () => hasFilesForThread(folder);
    this.#worker = new BackgroundWorker({ job, settings: folder, deadlineMs, log, entry, mayStart });
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
    if (this.#worker.size >= maxSearches) {
      throw new ChatError("busy", "Too many searches are running: try again in a few seconds.", {
        retryAfterMs: 2_000,
      });
    }
    this.#ofUser.set(user, ofUser + 1);
    try {
      return await this.#worker.run(request);
    } catch (error) {
      if (error instanceof ChatError && error.code === "limit_reached") {
        this.#waitEnds.delete(user);
        this.#waitEnds.set(user, performance.now() + waitMs);
      }
      throw error;
    } finally {
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

  close(): void {
    this.#worker.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
