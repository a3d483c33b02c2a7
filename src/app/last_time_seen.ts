import { pathExists } from "../host/path_exists.ts";
import { databasePath } from "../store/sqlite/database.ts";
import { inspectStore } from "../store/sqlite/store_inspection.ts";

/**
 * Returns the last time that a server on the data folder trusted, or else the time of the newest entry, in milliseconds
 * since the Unix epoch; undefined if the database cannot be read, which opening the folder reports.
 */
export function lastTimeSeen(folder: string): number | undefined {
  try {
    if (!pathExists(databasePath(folder))) return undefined;
    const { lastSeenAt, newestEntryAt } = inspectStore(folder, { check: false });
    return lastSeenAt ?? newestEntryAt;
  } catch {
    return undefined;
  }
}
