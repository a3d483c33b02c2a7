import { BoundedMap } from "../../shared/bounded_map.ts";
import type { Database } from "../connection/database.ts";

const maxCached = 20_000;

/** The keys of rows with unique names, cached. */
export class KeysByName {
  readonly #database: Database;
  readonly #statement: string;
  readonly #cached = new BoundedMap<string, number>(maxCached);
  #generation = 0;
  /** The number of changes of names that are being made. */
  #changes = 0;

  /** @param table its name as it is written in SQL */
  constructor(database: Database, table: string) {
    this.#database = database;
    this.#statement = `SELECT id, name FROM ${table} WHERE name = ANY ($1)`;
  }

  async find(name: string): Promise<number | undefined> {
    return this.cached(name) ?? (await this.findAll([name])).get(name);
  }

  /** Returns the key if it is in memory. */
  cached(name: string): number | undefined {
    return this.#changes > 0 ? undefined : this.#cached.get(name);
  }

  /** Reads the keys of names into memory. */
  async findAll(names: readonly string[]): Promise<Map<string, number>> {
    const generation = this.#generation;
    const rows = await this.#database.read<{ id: number; name: string }>(this.#statement, [names]);
    const found = new Map(rows.map(({ id, name }) => [name, id]));
    // Names may have changed while they were read.
    if (generation === this.#generation) { for (const [name, id] of found) this.#cached.set(name, id); }
    return found;
  }

  /** Must be called after names were removed. */
  forgetNames(): void {
    this.#cached.clear();
    this.#generation += 1;
  }

  /** Runs a change of names, during which none is in memory: a commit that begins meanwhile comes after it. */
  async whileChanging<T>(change: () => Promise<T>): Promise<T> {
    this.#changes += 1;
    try {
      return await change();
    } finally {
      this.#changes -= 1;
      this.forgetNames();
    }
  }
}
