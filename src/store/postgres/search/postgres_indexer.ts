import type { Log } from "../../../core/log.ts";
import type { Database } from "../connection/database.ts";

/** Indexes the log for search in short turns. */
export class PostgresIndexer {
  constructor(_options: { database: Database; head(): number; log: Log }) {}

  /** The number of entries that are not indexed yet. */
  get lag(): number {
    throw new Error("not written");
  }

  /** Resumes where the last run ended, and indexes new entries from now on. */
  start(): void {
    throw new Error("not written");
  }

  /** Resolves when no turn runs any more. Idempotent. */
  close(): Promise<void> {
    throw new Error("not written");
  }
}
