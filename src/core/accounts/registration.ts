import { addressKey } from "../address_key.ts";
import { ChatError } from "../chat_error.ts";
import type { GuardedClock } from "../clock.ts";
import { TokenBuckets } from "../token_bucket.ts";
import type { AccountStore } from "./account_store.ts";
import { createInviteCode, hashInviteCode } from "./secret.ts";

/** The registration mode: open to all, by invitation, or closed (only the operator adds users). */
export type Registration = "open" | "invite" | "closed";

export interface RegistrationGateOptions {
  readonly store: AccountStore;
  readonly clock: GuardedClock;
  readonly mode: Registration;
  readonly perAddress: { readonly burst: number; readonly perSecond: number };
}

const day = 24 * 60 * 60 * 1000;

/** Decides whether a registration is allowed. */
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
   * Admits a registration.
   * @returns the invitation to use up if one is required; the store decides whether it is valid
   * @throws {ChatError} `registration_closed`, `invite_invalid` when it is missing, `rate_limited`
   */
  async admit({ invite, address }: { invite: string; address: string }): Promise<
    { codeHash: string; now: number } | undefined
  > {
    if (this.mode === "closed") {
      throw new ChatError(
        "registration_closed",
        "Registration is closed on this server. Ask the operator for an account.",
      );
    }
    if (this.mode === "invite" && invite === "") {
      throw new ChatError(
        "invite_invalid",
        "This server requires an invitation to register. Ask the operator for a code.",
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

  /** Returns whether a registration with `invite` could succeed; uses up and counts nothing. */
  async mayRegister(invite: string): Promise<boolean> {
    if (this.mode !== "invite") return this.mode === "open";
    return await this.#store.hasInvite({ codeHash: await hashInviteCode(invite), now: this.#clock.earliest() });
  }

  /** Creates an invitation. @returns the code, which is stored as a hash only @throws {ChatError} `invalid_argument` */
  async createInvite(lifetimeMs: number): Promise<string> {
    if (!(lifetimeMs >= 1000 && lifetimeMs <= 366 * day)) {
      throw new ChatError("invalid_argument", "An invitation must be valid for 1 second to 366 days.");
    }
    const code = createInviteCode();
    const createdAt = this.#clock.latest();
    await this.#store.addInvite({ codeHash: await hashInviteCode(code), createdAt, expiresAt: createdAt + lifetimeMs });
    return code;
  }
}
