import type { ClockStore } from "../../core/clock_guard.ts";
import type { Database } from "./connection/database.ts";
import { isLocked, unsynced } from "./locked_devices.ts";

/** SQL of the statements, by name. */
export const clockStatements = {
  readTimes: `
    SELECT l.seen_at AS "lastSeenAt", (SELECT e.accepted_at FROM entry e ORDER BY e.position DESC LIMIT 1) AS "newestEntryAt"
    FROM log l`,
  noteSeen: `UPDATE log SET seen_at = $1 WHERE ${unsynced}`,
  restampDevices: `
    UPDATE device SET expires_at = expires_at - (last_used_at - $1), last_used_at = $1,
      created_at = least(created_at, $1)
    WHERE ${isLocked("d.last_used_at > $1")}`,
  restampConsumers: "UPDATE consumer SET used_at = $1 WHERE used_at > $1",
  restampInvites: `
    UPDATE invite SET expires_at = expires_at - (created_at - $1), created_at = $1 WHERE created_at > $1`,
  restampUploads: "UPDATE file SET begun_at = $1 WHERE position IS NULL AND begun_at > $1",
} as const;

const { readTimes, noteSeen, restampDevices, restampConsumers, restampInvites, restampUploads } = clockStatements;

interface Times {
  readonly lastSeenAt: number | null;
  readonly newestEntryAt: number | null;
}

/** Times in the database, for judging the clock. */
export class PostgresClockStore implements ClockStore {
  readonly lastSeenAt: number | undefined;
  readonly newestEntryAt: number | undefined;
  readonly #database: Database;

  private constructor(database: Database, { lastSeenAt, newestEntryAt }: Times) {
    this.#database = database;
    this.lastSeenAt = lastSeenAt ?? undefined;
    this.newestEntryAt = newestEntryAt ?? undefined;
  }

  /** Reads the times that were recorded before. @throws {ChatError} */
  static async open(database: Database): Promise<PostgresClockStore> {
    const [times] = await database.read<Times>(readTimes);
    return new PostgresClockStore(database, times);
  }

  async noteSeen(now: number): Promise<void> {
    await this.#database.write(noteSeen, [now]);
  }

  async restamp(now: number): Promise<void> {
    // In the line of commits, which lock consumers, too. A time that one statement misses is found five minutes later.
    for (const statement of [restampDevices, restampConsumers, restampInvites, restampUploads]) {
      await this.#database.commit(statement, [now]);
    }
  }
}
