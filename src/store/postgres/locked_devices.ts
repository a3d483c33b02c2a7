/**
 * SQL: the keys of the devices `d` that meet `condition`, whose rows are locked in the order of the keys. Statements that
 * change several devices use it, so that no two wait for each other.
 */
export function lockedDevices(condition: string): string {
  return `(SELECT d.id FROM device d WHERE ${condition} ORDER BY d.id FOR UPDATE)`;
}

/** SQL: a condition that is true, and makes a statement of its own resolve before its change is on disk. */
export const unsynced = "set_config('synchronous_commit', 'off', true) IS NOT NULL";
