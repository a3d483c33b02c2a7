import type { ErasureStore } from "../../core/messages/erasure.ts";
import type { Database } from "./connection/database.ts";

export const erasureStatements = { blankSome: "SELECT blank_some_1($1) AS count" };

/** Blanks the messages of each erased user in the order of their ids. */
export class PostgresErasureStore implements ErasureStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async blankSome(limit: number): Promise<number> {
    const [{ count }] = await this.#database.write<{ count: number }>(erasureStatements.blankSome, [limit]);
    return count;
  }
}
