import type { StatementSync } from "node:sqlite";
import type { ClockStore } from "../../core/clock_guard.ts";
import { settle } from "../shared/column_values.ts";
import type { Database } from "./database.ts";

function prepareStatements(database: Database) {
  return {
    noteSeen: database.prepare("UPDATE log SET seen_at = :now"),
    restamp: [
      database.prepare(
        `UPDATE device SET expires_at = expires_at - (last_used_at - :now), last_used_at = :now,
           created_at = min(created_at, :now)
         WHERE last_used_at > :now`,
      ),
      database.prepare("UPDATE consumer SET used_at = :now WHERE used_at > :now"),
      database.prepare(
        "UPDATE invite SET expires_at = expires_at - (created_at - :now), created_at = :now WHERE created_at > :now",
      ),
      database.prepare("UPDATE file SET begun_at = :now WHERE position IS NULL AND begun_at > :now"),
    ],
  };
}

/** Times in the database, for judging the clock. */
export class SqliteClockStore implements ClockStore {
  readonly lastSeenAt: number | undefined;
  readonly newestEntryAt: number | undefined;
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepareStatements(database);
    const one = (sql: string) => database.prepare(sql).get()?.value as number | null | undefined ?? undefined;
    this.lastSeenAt = one("SELECT seen_at AS value FROM log");
    this.newestEntryAt = one("SELECT accepted_at AS value FROM entry ORDER BY position DESC LIMIT 1");
  }

  noteSeen(now: number): Promise<void> {
    return this.#run([this.#statements.noteSeen], now);
  }

  restamp(now: number): Promise<void> {
    return this.#run(this.#statements.restamp, now);
  }

  #run(statements: readonly StatementSync[], now: number): Promise<void> {
    const run = () => statements.forEach((statement) => statement.run({ now }));
    return settle(() => this.#database.transaction(run, { durable: false }));
  }
}
