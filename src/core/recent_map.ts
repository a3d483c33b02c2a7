/**
 * Entries that setting a key looks at beyond the capacity. More than one, so that the map shrinks to its capacity; not
 * all, since most of them may have to stay.
 */
const looksPerSet = 8;

/** A map that keeps the `capacity` most recently used keys. */
export class RecentMap<K, V> {
  readonly #capacity: number;
  /** Least recently used first. */
  readonly #entries = new Map<K, V>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Returns a value and counts as use of the key. */
  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** Returns a value without counting as use. */
  peek(key: K): V | undefined {
    return this.#entries.get(key);
  }

  /**
   * Sets a value. `keeps` tells which keys must stay: beyond the capacity, others are forgotten, here or when the next
   * keys are set.
   */
  set(key: K, value: V, keeps: (key: K) => boolean = () => false): void {
    this.#entries.delete(key);
    if (this.#entries.size >= this.#capacity) this.#forgetOldest(keeps);
    this.#entries.set(key, value);
  }

  /** Sets a value, which does not count as use of a key that the map has. */
  update(key: K, value: V): void {
    if (this.#entries.has(key)) this.#entries.set(key, value);
    else this.set(key, value);
  }

  #forgetOldest(keeps: (key: K) => boolean): void {
    let looks = Math.min(looksPerSet, this.#entries.size);
    for (const [oldest, other] of this.#entries) {
      if (this.#entries.size < this.#capacity || looks-- === 0) break;
      this.#entries.delete(oldest);
      if (keeps(oldest)) this.#entries.set(oldest, other);
    }
  }

  values(): Iterable<V> {
    return this.#entries.values();
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }
}
