import { ChatError } from "../../../core/chat_error.ts";
import { BoundedMap } from "../../shared/bounded_map.ts";
import type { Database } from "../connection/database.ts";

const maxCached = 20_000;

/** The keys of users, cached by name. */
export class UserIds {
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
    const [user] = await this.#database.read<{ id: number }>('SELECT id FROM "user" WHERE name = $1', [name]);
    // The name may have changed while it was read.
    if (user !== undefined && generation === this.#generation) this.#cached.set(name, user.id);
    return user?.id;
  }

  /** @throws {ChatError} `not_found` if the user does not exist, for example because they were just deleted */
  async get(name: string): Promise<number> {
    const id = await this.find(name);
    if (id === undefined) throw new ChatError("not_found", `There is no user "${name}".`);
    return id;
  }

  /** Must be called after users were renamed. */
  forgetNames(): void {
    this.#cached.clear();
    this.#generation += 1;
  }
}
