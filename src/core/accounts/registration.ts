import { addressKey } from "../address_key.ts";
import { ChatError } from "../chat_error.ts";
import type { GuardedClock } from "../clock.ts";
import { TokenBuckets } from "../token_bucket.ts";
import type { AccountStore } from "./account_store.ts";
import { createInviteCode, hashInviteCode } from "./secret.ts";

/** Who may register: everybody, those with an invitation, or nobody (then the operator adds users). */
export type Registration = "open" | "invite" | "closed";

export interface RegistrationGateOptions {
  readonly store: AccountStore;
  readonly clock: GuardedClock;
  readonly mode: Registration;
  readonly perAddress: { readonly burst: number; readonly perSecond: number };
}

const day = 24 * 60 * 60 * 1000;

/** Who may become a user by themself. */
export class RegistrationGate {
  readonly mode: Registration;
  readonly #store: AccountStore;
  readonly #clock: GuardedClock;
  readonly #buckets: TokenBuckets;

  constructor({ store, clock, mode, perAddress }: RegistrationGateOptions) {
    this.mode = mode;
    this.#store = store;
    this.#clock = clock;
    this.#buckets = new TokenBuckets(perAddress);
  }

  /**
   * @returns the invitation to use up, where one is needed; whether it is good, only the store can say.
   * @throws {ChatError} `registration_closed`, `invite_invalid` when there is none, `rate_limited`
   */
  async admit({ invite, address }: { invite: string; address: string }): Promise<
    { codeHash: string; now: number } | undefined
  > {
    if (this.mode === "closed") {
      throw new ChatError(
        "registration_closed",
        "This server does not register users: ask its operator for an account.",
      );
    }
    if (this.mode === "invite" && invite === "") {
      throw new ChatError(
        "invite_invalid",
        "This server registers users by invitation: ask its operator for a code, and give it when you register.",
      );
    }
    const retryAfterMs = this.#buckets.take(addressKey(address), this.#clock.now());
    if (retryAfterMs > 0) {
      throw new ChatError(
        "rate_limited",
        `Too many registrations from this address: try again in ${Math.ceil(retryAfterMs / 1000)} s.`,
        { retryAfterMs },
      );
    }
    return this.mode === "invite" ? { codeHash: await hashInviteCode(invite), now: this.#clock.earliest() } : undefined;
  }

  /** Whether it is worth letting somebody in who shows `invite`; nothing is used up or counted. */
  async mayRegister(invite: string): Promise<boolean> {
    if (this.mode !== "invite") return this.mode === "open";
    return await this.#store.hasInvite({ codeHash: await hashInviteCode(invite), now: this.#clock.earliest() });
  }

  /** @returns the only copy of the code. @throws {ChatError} `invalid_argument` */
  async createInvite(lifetimeMs: number): Promise<string> {
    if (!(lifetimeMs >= 1000 && lifetimeMs <= 366 * day)) {
      throw new ChatError("invalid_argument", "An invitation lasts for a second at least, and for 366 days at most.");
    }
    const code = createInviteCode();
    const createdAt = this.#clock.latest();
    await this.#store.addInvite({ codeHash: await hashInviteCode(code), createdAt, expiresAt: createdAt + lifetimeMs });
    return code;
  }
}
