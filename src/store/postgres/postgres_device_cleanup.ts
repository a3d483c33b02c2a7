import type { DeviceCleanupStore, Removal } from "../../core/accounts/device_cleanup.ts";
import type { Database } from "./connection/database.ts";
import { isLocked } from "./locked_devices.ts";
import { Consumers } from "./log/consumers.ts";

interface DeviceRow {
  readonly id: number;
  readonly user: string;
  readonly publicId: string;
}

interface ConsumerRow {
  readonly device: number;
  readonly user: string;
  readonly publicId: string;
  readonly name: string;
  readonly usedAt: number;
}

// A token expires after its last use, so the index of last uses finds both kinds of devices.
const isUnused = "d.last_used_at < $1 AND (d.token_hash IS NULL OR d.expires_at < $1)";
const owner = '(SELECT u.name FROM "user" u WHERE u.id = d."user")';
/** Keys of consumers that are still unused. */
const unusedOf = `
  SELECT c.device, c.name FROM unnest($1::bigint[], $2::text[]) given(device, name)
  JOIN LATERAL (SELECT c.device, c.name FROM consumer c
    WHERE c.device = given.device AND c.name = given.name AND c.used_at < $3 LIMIT 1) c ON true`;

/** SQL of the statements, by name. A device or consumer that was used since it was found is left alone. */
export const cleanupStatements = {
  findDevices: `
    SELECT d.id, ${owner} AS "user", d.public_id AS "publicId" FROM device d
    WHERE ${isUnused} ORDER BY d.last_used_at LIMIT $2`,
  touchDevices: `
    UPDATE device SET last_used_at = $3 WHERE ${isLocked("d.id = ANY ($1::bigint[]) AND d.last_used_at < $2")}`,
  removeDevices: `DELETE FROM device WHERE ${isLocked(`d.id = ANY ($2::bigint[]) AND ${isUnused}`)}`,
  findConsumers: `
    SELECT c.device, c.name, c.used_at AS "usedAt", d.public_id AS "publicId", d."user" FROM (
      SELECT * FROM consumer WHERE used_at < $1 ORDER BY used_at LIMIT $2) c
    JOIN LATERAL (SELECT d.public_id, ${owner} AS "user" FROM device d WHERE d.id = c.device LIMIT 1) d ON true`,
  touchConsumers: `UPDATE consumer SET used_at = $4 WHERE used_at < $3 AND (device, name) IN (${unusedOf})`,
  removeConsumers: `DELETE FROM consumer WHERE used_at < $3 AND (device, name) IN (${unusedOf})`,
} as const;

const { findDevices, touchDevices, removeDevices, findConsumers, touchConsumers, removeConsumers } = cleanupStatements;

/**
 * Removes old devices and consumers, in the same database as the account and message stores. Changes run in the line of
 * commits, which lock several consumers, too.
 */
export class PostgresDeviceCleanup implements DeviceCleanupStore {
  readonly #database: Database;
  readonly #consumers: Consumers;

  constructor(database: Database) {
    this.#database = database;
    this.#consumers = new Consumers(database);
  }

  noteUse(device: string, name: string, now: number): Promise<void> {
    return this.#consumers.noteUse({ device, name }, now);
  }

  async removeDevices({ now, before, limit, live }: Removal): Promise<number> {
    const old = await this.#database.read<DeviceRow>(findDevices, [before, limit]);
    const { used, unused } = partition(old, ({ user, publicId }) => live.isDeviceOnline(user, publicId));
    const ids = (devices: readonly DeviceRow[]) => devices.map(({ id }) => id);
    if (used.length > 0) await this.#database.commit(touchDevices, [ids(used), before, now]);
    if (unused.length > 0) await this.#database.commit(removeDevices, [before, ids(unused)]);
    return old.length;
  }

  async removeConsumers({ now, before, limit, live }: Removal): Promise<number> {
    const old = await this.#database.read<ConsumerRow>(findConsumers, [before, limit]);
    const { used, unused } = partition(
      old,
      ({ user, publicId, name, usedAt }) => usedAt === 0 || live.isConsumerOnline(user, publicId, name),
    );
    const keys = (consumers: readonly ConsumerRow[]) => [
      consumers.map(({ device }) => device),
      consumers.map(({ name }) => name),
    ];
    if (used.length > 0) await this.#database.commit(touchConsumers, [...keys(used), before, now]);
    if (unused.length > 0) await this.#database.commit(removeConsumers, [...keys(unused), before]);
    return old.length;
  }
}

function partition<Row>(rows: readonly Row[], isUsed: (row: Row) => boolean): { used: Row[]; unused: Row[] } {
  const { used = [], unused = [] } = Object.groupBy(rows, (row) => isUsed(row) ? "used" : "unused");
  return { used, unused };
}
