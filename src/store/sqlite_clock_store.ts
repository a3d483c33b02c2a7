import type { ClockStore } from "../core/clock_guard.ts";
import { settle } from "./column_values.ts";
import type { Database } from "./database.ts";

/** Times that are known from before the database was opened, and the last one seen. */
export class SqliteClockStore implements ClockStore {
  readonly lastSeenAt: number | undefined;
  readonly newestEntryAt: number | undefined;
  readonly #database: Database;
  readonly #noteSeen;

  constructor(database: Database) {
    this.#database = database;
    this.#noteSeen = database.prepare("UPDATE log SET seen_at = ?");
    const one = (sql: string) => database.prepare(sql).get()?.value as number | null | undefined ?? undefined;
    this.lastSeenAt = one("SELECT seen_at AS value FROM log");
    this.newestEntryAt = one("SELECT accepted_at AS value FROM entry ORDER BY position DESC LIMIT 1");
  }

  noteSeen(time: number): Promise<void> {
    return settle(() => this.#database.transaction(() => void this.#noteSeen.run(time), { durable: false }));
  }
}
