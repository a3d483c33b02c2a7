import { TokenBuckets } from "../../core/token_bucket.ts";

/** Direct replies that a user gets; further ones are dropped. */
export const repliesOfSomebody = { burst: 200, perSecond: 5 };
/** Requests that are left without a reply before the connection is closed. */
export const unansweredOfSomebody = { burst: 1_000, perSecond: 5 };

/**
 * Bounds the direct replies to a user, which the broker keeps without a limit for a client that does not read them. Honest clients need a
 * few of them: to a hello, a login, and requests that are refused. Chunks of files have bounds of their own.
 */
export class ReplyBudget {
  readonly #replies = new TokenBuckets(repliesOfSomebody);
  readonly #unanswered = new TokenBuckets(unansweredOfSomebody);

  /** Decides on one more reply; "close" says that it is not sent, and that too many were not. */
  spend(key: string, now: number): "send" | "drop" | "close" {
    if (this.#replies.take(key, now) === 0) return "send";
    return this.#unanswered.take(key, now) === 0 ? "drop" : "close";
  }
}
