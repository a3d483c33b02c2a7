/**
 * Runs tasks with the same key one at a time, in the order of the calls.
 *
 * @example
 * ```ts
 * const locks = new KeyedLock();
 * await Promise.all(["first", "second"].map((text) => locks.run("ana", () => Promise.resolve(console.log(text)))));
 * ```
 */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<unknown>>();

  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const result = before.then(task, task);
    const tail = result.then(() => {}, () => {}).then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    this.#tails.set(key, tail);
    return result;
  }
}
