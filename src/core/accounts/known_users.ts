import type { Accounts } from "./accounts.ts";

const maxKnown = 100_000;

/** Caches the names of existing users. */
export class KnownUsers {
  readonly #accounts: Accounts;
  readonly #names = new Set<string>();
  /** Names forgotten so far: an answer from before one of them may be stale. */
  #forgotten = 0;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  /** Returns whether the name is cached; does not query the store. */
  remembers(name: string): boolean {
    return this.#names.has(name);
  }

  async has(name: string): Promise<boolean> {
    if (this.#names.has(name)) return true;
    const forgotten = this.#forgotten;
    if (await this.#accounts.findUser(name) === undefined) return false;
    if (forgotten !== this.#forgotten) return await this.has(name);
    if (this.#names.size >= maxKnown) this.#names.clear();
    this.#names.add(name);
    return true;
  }

  /** Removes a name that no longer belongs to a user. */
  forget(name: string): void {
    this.#forgotten += 1;
    this.#names.delete(name);
  }
}
