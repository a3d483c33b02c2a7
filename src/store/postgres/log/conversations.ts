import { BoundedMap } from "../../shared/bounded_map.ts";
import type { Database } from "../connection/database.ts";

const maxCached = 20_000;

/** The keys of conversations, cached by name. */
export class Conversations {
  readonly #database: Database;
  readonly #cached = new BoundedMap<string, number>(maxCached);
  #generation = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(name: string): Promise<number | undefined> {
    const cached = this.#cached.get(name);
    if (cached !== undefined) return cached;
    const generation = this.#generation;
    const [found] = await this.#database.read<{ id: number }>("SELECT id FROM conversation WHERE name = $1", [name]);
    // The name may have changed while it was read.
    if (found !== undefined && generation === this.#generation) this.#cached.set(name, found.id);
    return found?.id;
  }

  /** Must be called after conversations were renamed or deleted. */
  forgetNames(): void {
    this.#cached.clear();
    this.#generation += 1;
  }
}
