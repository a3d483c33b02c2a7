import type { ClockStore } from "../../core/clock_guard.ts";
import type { Database } from "./connection/database.ts";

export class PostgresClockStore {
  constructor(_database: Database) {}
}

export interface PostgresClockStore extends ClockStore {}
