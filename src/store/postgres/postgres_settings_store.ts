import type { SettingsStore } from "../../core/people/settings_store.ts";
import type { Database } from "./connection/database.ts";

export class PostgresSettingsStore {
  constructor(_database: Database) {}
}

export interface PostgresSettingsStore extends SettingsStore {}
