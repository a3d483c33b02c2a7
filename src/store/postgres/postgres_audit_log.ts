import type { AuditStore } from "../../core/audit/audit.ts";
import type { Database } from "./connection/database.ts";

export class PostgresAuditLog {
  constructor(_database: Database) {}
}

export interface PostgresAuditLog extends AuditStore {}
