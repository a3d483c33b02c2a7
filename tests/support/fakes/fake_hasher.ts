import type { PasswordHasher } from "../../../src/core/accounts/password_hasher.ts";

/** Hashes nothing, at once; counts what it is asked for, and can be made to wait. */
export class FakeHasher implements PasswordHasher {
  readonly unmatchable: string;
  readonly verified: string[] = [];
  hashes = 0;
  running = 0;
  mostRunning = 0;
  /** While set, every call waits for it. */
  gate: Promise<void> | undefined;
  readonly #version: string;

  constructor(version = "1") {
    this.#version = version;
    this.unmatchable = `fake${version}!`;
  }

  hash(password: string): Promise<string> {
    this.hashes++;
    return this.#run(() => `fake${this.#version}:${password}`);
  }

  verify(password: string, hash: string): Promise<{ matches: boolean; outdated: boolean }> {
    this.verified.push(hash);
    return this.#run(() => ({
      matches: hash.endsWith(`:${password}`),
      outdated: !hash.startsWith(`fake${this.#version}`),
    }));
  }

  async #run<T>(task: () => T): Promise<T> {
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    await this.gate;
    this.running--;
    return task();
  }
}
