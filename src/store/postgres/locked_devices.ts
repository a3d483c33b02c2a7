/**
 * SQL: a condition on a row of `device`, which is one of the devices `d` that meet `condition`. Their rows are locked in
 * the order of their keys, so that no two statements that change several devices wait for each other. The sum keeps out
 * a plan that walks all devices in this order.
 */
export function isLocked(condition: string): string {
  return `id = ANY (ARRAY(SELECT d.id FROM device d WHERE ${condition} ORDER BY d.id + 0 FOR UPDATE))`;
}

/** SQL: a condition that is true, and makes a statement of its own resolve before its change is on disk. */
export const unsynced = "set_config('synchronous_commit', 'off', true) IS NOT NULL";
