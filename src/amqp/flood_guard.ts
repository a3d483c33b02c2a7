import type { Log } from "../core/log.ts";
import { TokenBuckets } from "../core/token_bucket.ts";
import { registrationUser } from "./topology.ts";

export interface FloodGuardOptions {
  /** Messages of each user, or with a shared login of each session. */
  readonly flood: { readonly perSecond: number; readonly burst: number };
  /** The broker's users are not chatd's. */
  readonly sharedLogin: boolean;
  readonly log: Log;
  /** Closes all connections of a user. */
  kick?(target: { user: string }): void;
  /** More messages come without a name than anybody may send. */
  nameless?(): void;
}

/** Decides whose messages are looked at, and who is thrown off the broker. */
export class FloodGuard {
  readonly #options: FloodGuardOptions;
  readonly #floods: TokenBuckets;
  readonly #kicks = new TokenBuckets({ burst: 1, perSecond: 1 });

  constructor(options: FloodGuardOptions) {
    this.#options = options;
    this.#floods = new TokenBuckets(options.flood);
  }

  /**
   * Whether a message may be looked at; if not, who sent it is thrown off.
   * @param session the one that it is part of; `secret` is what it says of that
   */
  admits(sender: string, { session, secret }: { session: unknown; secret: unknown }): boolean {
    if (this.#floods.take(this.#keyOf(sender, { session, secret }), performance.now()) === 0) return true;
    if (sender === "") this.#options.nameless?.();
    this.throwOff(sender, "flood dropped");
    return false;
  }

  /** Where everybody has one name, who goes on after their session has ended must not keep others from beginning one. */
  #keyOf(sender: string, { session, secret }: { session: unknown; secret: unknown }): string {
    if (!this.#options.sharedLogin || typeof secret !== "string") return `user ${sender}`;
    return session === undefined ? "no session" : `session ${secret}`;
  }

  /** Once in a second for each user at most. */
  throwOff(user: string, why: string): void {
    if (this.#kicks.take(user, performance.now()) > 0) return;
    this.#options.log.warn(why, { user });
    // Strangers share a name.
    if (user !== registrationUser && user !== "") this.#options.kick?.({ user });
  }
}
