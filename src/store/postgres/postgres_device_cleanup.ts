import type { DeviceCleanupStore } from "../../core/accounts/device_cleanup.ts";
import type { Database } from "./connection/database.ts";

export class PostgresDeviceCleanup {
  constructor(_database: Database) {}
}

export interface PostgresDeviceCleanup extends DeviceCleanupStore {}
