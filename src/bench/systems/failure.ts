/** The first failure of a system's connections. */
export class Failure {
  readonly #promise = Promise.withResolvers<never>();
  #isIgnored = false;

  constructor() {
    this.#promise.promise.catch(() => {});
  }

  /** Returns a promise that rejects with the first failure, or with `other`. */
  or(other: Promise<never>): Promise<never> {
    const either = Promise.race([this.#promise.promise, other]);
    either.catch(() => {});
    return either;
  }

  set(error: unknown): void {
    if (!this.#isIgnored) this.#promise.reject(error);
  }

  /** Ignores failures from now on: the system is being ended. */
  ignore(): void {
    this.#isIgnored = true;
  }
}
