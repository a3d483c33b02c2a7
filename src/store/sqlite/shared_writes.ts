import { isDiskFailure } from "./storage_error.ts";

interface Write {
  /** Does the work, and returns the function that reports its result. */
  run(): () => void;
  fail(error: unknown): void;
}

/**
 * Makes the small writes of one turn of the event loop in one transaction: when many clients connect at once, a
 * transaction for each would cost more than its statement.
 */
export class SharedWrites {
  readonly #transact: (work: () => void) => void;
  #waiting: Write[] = [];

  /** @param transact runs work in a transaction, which is undone when it throws */
  constructor(transact: (work: () => void) => void) {
    this.#transact = transact;
  }

  /**
   * Runs `work` after the input that is ready now was read; its error undoes none of the others. It changes the
   * database by at most one statement, because there is no savepoint.
   * @throws {ChatError} `storage_full`, then none of the writes was made
   */
  add<T>(work: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const run = () => {
      const result = work();
      return () => resolve(result);
    };
    if (this.#waiting.push({ run, fail: reject }) === 1) setImmediate(() => this.flush());
    return promise;
  }

  /** Makes the writes that wait. */
  flush(): void {
    const writes = this.#waiting;
    if (writes.length === 0) return;
    this.#waiting = [];
    try {
      const reports: (() => void)[] = [];
      this.#transact(() => {
        for (const write of writes) reports.push(attempt(write));
      });
      for (const report of reports) report();
    } catch (error) {
      for (const { fail } of writes) fail(error);
    }
  }
}

function attempt({ run, fail }: Write): () => void {
  try {
    return run();
  } catch (error) {
    if (isDiskFailure(error)) throw error;
    return () => fail(error);
  }
}
