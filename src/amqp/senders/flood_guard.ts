import type { Log } from "../../core/log.ts";
import { TokenBuckets } from "../../core/token_bucket.ts";
import { registrationUser } from "../topology.ts";

export interface FloodGuardOptions {
  /** Messages of each user, or with a shared login of each session. */
  readonly flood: { readonly perSecond: number; readonly burst: number };
  /** The broker's users are not chatd's. */
  readonly sharedLogin: boolean;
  readonly log: Log;
  /** Closes all connections of a user. */
  kick?(target: { user: string }): void;
  /** Finds the sender of a message by other means than its name: "" without one, or the name that strangers share. */
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
   * Whether a message may be looked at; if not, the connections of its sender are closed.
   * @param session the live session that it is part of; `secret` is the header that names one
   */
  admits(sender: string, { session, secret }: { session: unknown; secret: unknown }): boolean {
    if (this.#floods.take(this.#keyOf(sender, { session, secret }), performance.now()) === 0) return true;
    this.throwOff(sender, "flood dropped");
    return false;
  }

  /** Where all users share one name, a client that goes on after its session must not keep others from beginning one. */
  #keyOf(sender: string, { session, secret }: { session: unknown; secret: unknown }): string {
    if (!this.#options.sharedLogin || typeof secret !== "string") return `user ${sender}`;
    return session === undefined ? "no session" : `session ${secret}`;
  }

  /** Once in a second for each user at most. */
  throwOff(user: string, why: string): void {
    if (this.#kicks.take(user, performance.now()) > 0) return;
    const { log, kick, findSender } = this.#options;
    log.warn(why, { user });
    if (user === registrationUser || user === "") findSender?.(user);
    else kick?.({ user });
  }
}
