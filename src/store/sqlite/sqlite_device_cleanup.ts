import type { DeviceCleanupStore, Removal } from "../../core/accounts/device_cleanup.ts";
import { settle } from "../shared/column_values.ts";
import type { Database } from "./database.ts";
import { Consumers } from "./log/consumers.ts";

interface DeviceRow {
  id: number;
  user: string;
  publicId: string;
}

interface ConsumerRow {
  device: number;
  user: string;
  publicId: string;
  name: string;
  usedAt: number;
}

function prepareStatements(database: Database) {
  return {
    // A token expires after its last use, so the index of last uses finds both kinds of devices.
    oldDevices: database.prepare(
      `SELECT d.id, u.name AS user, d.public_id AS publicId FROM device d CROSS JOIN user u ON u.id = d.user
       WHERE d.last_used_at < :before AND (d.token_hash IS NULL OR d.expires_at < :before) LIMIT +:limit`,
    ),
    touchDevice: database.prepare("UPDATE device SET last_used_at = ? WHERE id = ?"),
    removeDevice: database.prepare("DELETE FROM device WHERE id = ?"),
    oldConsumers: database.prepare(
      `SELECT c.device, u.name AS user, d.public_id AS publicId, c.name, c.used_at AS usedAt
       FROM consumer c CROSS JOIN device d ON d.id = c.device CROSS JOIN user u ON u.id = d.user
       WHERE c.used_at < :before LIMIT +:limit`,
    ),
    touchConsumer: database.prepare("UPDATE consumer SET used_at = ? WHERE device = ? AND name = ?"),
    removeConsumer: database.prepare("DELETE FROM consumer WHERE device = ? AND name = ?"),
  };
}

/** Removes old devices and consumers, in the same database as the account and message stores. */
export class SqliteDeviceCleanup implements DeviceCleanupStore {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #consumers: Consumers;

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepareStatements(database);
    this.#consumers = new Consumers(database);
  }

  noteUse(device: string, name: string, now: number): Promise<void> {
    return this.#consumers.noteUse(device, name, now);
  }

  removeDevices({ now, before, limit, live }: Removal): Promise<number> {
    const { oldDevices, touchDevice, removeDevice } = this.#statements;
    return settle(() =>
      this.#database.transaction(() => {
        const old = oldDevices.all({ before, limit }) as unknown as DeviceRow[];
        for (const { id, user, publicId } of old) {
          if (live.isDeviceOnline(user, publicId)) touchDevice.run(now, id);
          else removeDevice.run(id);
        }
        return old.length;
      })
    );
  }

  removeConsumers({ now, before, limit, live }: Removal): Promise<number> {
    const { oldConsumers, touchConsumer, removeConsumer } = this.#statements;
    return settle(() =>
      this.#database.transaction(() => {
        const old = oldConsumers.all({ before, limit }) as unknown as ConsumerRow[];
        for (const { device, user, publicId, name, usedAt } of old) {
          if (usedAt === 0 || live.isConsumerOnline(user, publicId, name)) touchConsumer.run(now, device, name);
          else removeConsumer.run(device, name);
        }
        return old.length;
      })
    );
  }
}
