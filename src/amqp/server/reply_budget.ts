import { TokenBuckets } from "../../core/token_bucket.ts";

/** Direct replies to one sender; further ones are dropped. */
export const repliesOfSender = { burst: 200, perSecond: 5 };
/** Dropped replies to one sender before the connection is closed. */
export const droppedRepliesOfSender = { burst: 1_000, perSecond: 5 };

/**
 * Bounds the direct replies to a sender, which the broker stores without a limit for a client that does not read them.
 * Honest clients need few: for a hello, a login, and refused requests. Chunks of files have their own bounds.
 */
export class ReplyBudget {
  readonly #replies = new TokenBuckets(repliesOfSender);
  readonly #dropped = new TokenBuckets(droppedRepliesOfSender);

  /** Spends one reply; "close" means that it is dropped and that too many were. */
  spend(key: string, now: number): "send" | "drop" | "close" {
    if (this.#replies.take(key, now) === 0) return "send";
    return this.#dropped.take(key, now) === 0 ? "drop" : "close";
  }
}
