import { addressKey } from "../address_key.ts";
import type { HashQueue } from "./hash_queue.ts";
import type { PasswordHasher } from "./password_hasher.ts";

/** Hashing and verifying, in a queue that is fair to origins: remote addresses, or names of what else asks. */
export class PasswordCheck {
  readonly #hasher: PasswordHasher;
  readonly #queue: HashQueue;

  constructor(hasher: PasswordHasher, queue: HashQueue) {
    this.#hasher = hasher;
    this.#queue = queue;
  }

  /** @throws {ChatError} `busy` */
  hash(origin: string, password: string): Promise<string> {
    return this.#queue.run(addressKey(origin), () => this.#hasher.hash(password));
  }

  /**
   * Takes as long when there is no `hash` to compare with as when there is one of current parameters. `renewed` is
   * a new hash of the same password, when it matches one of other parameters.
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
