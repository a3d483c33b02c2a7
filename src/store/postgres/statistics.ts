import type { Log } from "../../core/log.ts";
import type { Database } from "./connection/database.ts";

/** The first number of entries with which statistics help. */
const firstEntries = 1_000;

/**
 * Has PostgreSQL gather statistics whenever the log has doubled since the last time. Its own jobs do so a minute later
 * at the earliest, and statements that were planned for empty tables are slow until then.
 */
export class Statistics {
  readonly #database: Database;
  readonly #log: Log;
  /** The head of the log at which the next statistics are due. */
  #due: number;
  #running: Promise<void> | undefined;

  private constructor(database: Database, { log, due }: { log: Log; due: number }) {
    this.#database = database;
    this.#log = log;
    this.#due = due;
  }

  static async open(database: Database, { log }: { log: Log }): Promise<Statistics> {
    const [{ entries }] = await database.read<{ entries: number }>(
      "SELECT reltuples AS entries FROM pg_class WHERE oid = 'entry'::regclass",
    );
    return new Statistics(database, { log, due: Math.max(firstEntries, 2 * entries) });
  }

  /** Gathers statistics in the background if the log has grown enough. */
  noteHead(head: number): void {
    if (head < this.#due || this.#running !== undefined) return;
    this.#due = 2 * head;
    this.#running = this.#gather().finally(() => this.#running = undefined);
  }

  /** Resolves when no statistics are being gathered. */
  async close(): Promise<void> {
    this.#due = Infinity;
    await this.#running;
  }

  async #gather(): Promise<void> {
    try {
      const [{ tables }] = await this.#database.read<{ tables: string }>(
        `SELECT string_agg(quote_ident(relname), ', ') AS tables FROM pg_class
         WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'`,
      );
      await this.#database.write(`ANALYZE ${tables}`);
    } catch (error) {
      this.#log.warn("cannot gather statistics of the database, so it may be slower", { error });
    }
  }
}
