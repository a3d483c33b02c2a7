import type { Accounts } from "./accounts.ts";

const maxKnown = 100_000;

/** Remembers which names are users'. */
export class KnownUsers {
  readonly #accounts: Accounts;
  readonly #names = new Set<string>();

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  /** Whether it is one as far as is known without asking. */
  remembers(name: string): boolean {
    return this.#names.has(name);
  }

  async has(name: string): Promise<boolean> {
    if (this.#names.has(name)) return true;
    if (await this.#accounts.findUser(name) === undefined) return false;
    if (this.#names.size >= maxKnown) this.#names.clear();
    this.#names.add(name);
    return true;
  }

  /** Somebody has this name no more. */
  forget(name: string): void {
    this.#names.delete(name);
  }
}
