import { addressKey } from "../address_key.ts";
import type { HashQueue } from "./hash_queue.ts";
import type { PasswordHasher } from "./password_hasher.ts";

/**
 * Hashes and verifies passwords through a queue that is fair to origins: remote addresses, or names of other callers.
 */
export class PasswordCheck {
  readonly #hasher: PasswordHasher;
  readonly #queue: HashQueue;

  constructor(hasher: PasswordHasher, queue: HashQueue) {
    this.#hasher = hasher;
    this.#queue = queue;
  }

  /** Hashes a password. @throws {ChatError} `busy` */
  hash(origin: string, password: string): Promise<string> {
    return this.#queue.run(addressKey(origin), () => this.#hasher.hash(password));
  }

  /**
   * Verifies a password; without a `hash`, takes as long as with one. `renewed` is a new hash with current parameters
   * if the password matched a hash with outdated ones.
   * @throws {ChatError} `busy`
   */
  verify(
    origin: string,
    password: string,
    hash: string | undefined,
  ): Promise<{ matches: boolean; renewed?: string }> {
    return this.#queue.run(addressKey(origin), async () => {
      const { matches, outdated } = await this.#hasher.verify(password, hash ?? this.#hasher.unmatchable);
      if (!matches || hash === undefined) return { matches: false };
      return outdated ? { matches, renewed: await this.#hasher.hash(password) } : { matches };
    });
  }
}
