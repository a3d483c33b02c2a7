import { ChatError } from "../../../core/chat_error.ts";
import type { Database } from "../database.ts";
import { BoundedMap } from "../../shared/bounded_map.ts";

const maxCached = 20_000;

/** The keys of users, cached by name. */
export class UserIds {
  readonly #find;
  readonly #cached = new BoundedMap<string, number>(maxCached);

  constructor(database: Database) {
    this.#find = database.prepare("SELECT id FROM user WHERE name = ?");
  }

  find(name: string): number | undefined {
    const cached = this.#cached.get(name);
    if (cached !== undefined) return cached;
    const id = (this.#find.get(name) as { id: number } | undefined)?.id;
    if (id !== undefined) this.#cached.set(name, id);
    return id;
  }

  /** Must be called after users were renamed. */
  forgetNames(): void {
    this.#cached.clear();
  }

  /** @throws {ChatError} `not_found` if the user does not exist, for example because they were just deleted */
  get(name: string): number {
    const id = this.find(name);
    if (id === undefined) throw new ChatError("not_found", `There is no user "${name}".`);
    return id;
  }
}
