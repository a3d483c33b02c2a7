import { pathExists } from "../host/path_exists.ts";
import { databasePath } from "../store/sqlite/database.ts";
import { inspectStore } from "../store/sqlite/store_inspection.ts";

/**
 * When a server on the data folder last believed its clock, or else accepted its newest entry, in milliseconds since the Unix epoch; undefined
 * where that cannot be read: opening the folder says why.
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
