import { TokenBuckets } from "../core/token_bucket.ts";

/** Direct replies of somebody that are sent: what is above is not. */
export const repliesOfSomebody = { burst: 200, perSecond: 5 };
/** Requests of theirs that are left without a reply before their connection is closed. */
export const unansweredOfSomebody = { burst: 1_000, perSecond: 5 };

/**
 * Bounds the direct replies to somebody, which the broker keeps without a limit for who does not read them. Honest clients need a
 * few of them: the reply to a hello or a login, and to what is refused. Chunks of files have bounds of their own.
 */
export class ReplyBudget {
  readonly #replies = new TokenBuckets(repliesOfSomebody);
  readonly #unanswered = new TokenBuckets(unansweredOfSomebody);

  /** What becomes of one more reply; "close" says that it is not sent, and that too many were not. */
  spend(key: string, now: number): "send" | "drop" | "close" {
    if (this.#replies.take(key, now) === 0) return "send";
    return this.#unanswered.take(key, now) === 0 ? "drop" : "close";
  }
}
