import type { Database } from "./database.ts";

/** How long a size that was read is shown, in milliseconds. */
const freshMs = 5_000;

/** The size of a database, which is read in the background, since it is asked for by callers that do not wait. */
export class DatabaseSize {
  readonly #database: Database;
  #bytes = 0;
  #readAt = -Infinity;

  constructor(database: Database) {
    this.#database = database;
    void this.#refresh();
  }

  /** The size as of the last reading, in bytes; begins a new reading if that was some seconds ago. */
  get bytes(): number {
    if (performance.now() - this.#readAt > freshMs) void this.#refresh();
    return this.#bytes;
  }

  async #refresh(): Promise<void> {
    this.#readAt = performance.now();
    try {
      const [{ bytes }] = await this.#database.read<{ bytes: number }>(
        "SELECT pg_database_size(current_database()) AS bytes",
      );
      this.#bytes = bytes;
    } catch {
      // The next reading may succeed.
    }
  }
}
