import type { Log } from "../../core/log.ts";
import { TokenBuckets } from "../../core/token_bucket.ts";
import { registrationUser } from "../topology.ts";

export interface FloodGuardOptions {
  /** Rate of messages of each user, or with a shared login of each session. */
  readonly flood: { readonly perSecond: number; readonly burst: number };
  /** Broker users are not chatd accounts. */
  readonly sharedLogin: boolean;
  readonly log: Log;
  /** Closes all connections of a user. */
  kick?(target: { user: string }): void;
  /** Finds the sender of messages without a name (""), or with the name that strangers share, by other means. */
  findSender?(name: string): void;
}

/** Drops the messages of users above their rate, and closes their connections. */
export class FloodGuard {
  readonly #options: FloodGuardOptions;
  readonly #floods: TokenBuckets;
  readonly #kicks = new TokenBuckets({ burst: 1, perSecond: 1 });

  constructor(options: FloodGuardOptions) {
    this.#options = options;
    this.#floods = new TokenBuckets(options.flood);
  }

  /**
   * Returns whether to process a message; otherwise closes the sender's connections.
   * @param session the live session of the message; `secret` is its session header
   */
  admits(sender: string, { session, secret }: { session: unknown; secret: unknown }): boolean {
    if (this.#floods.take(this.#keyOf(sender, { session, secret }), performance.now()) === 0) return true;
    this.disconnect(sender, "flood dropped");
    return false;
  }

  /** With a shared login, a client that continues after its session ended must not keep others from starting one. */
  #keyOf(sender: string, { session, secret }: { session: unknown; secret: unknown }): string {
    if (!this.#options.sharedLogin || typeof secret !== "string") return `user ${sender}`;
    return session === undefined ? "no session" : `session ${secret}`;
  }

  /** Closes a sender's connections, at most once a second per user. */
  disconnect(user: string, reason: string): void {
    if (this.#kicks.take(user, performance.now()) > 0) return;
    const { log, kick, findSender } = this.#options;
    log.warn(reason, { user });
    if (user === registrationUser || user === "") findSender?.(user);
    else kick?.({ user });
  }
}
