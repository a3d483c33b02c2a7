import type { RetentionStore } from "../../core/messages/retention_store.ts";
import type { Database } from "./connection/database.ts";
import type { Heads } from "./log/heads.ts";

export class PostgresRetentionStore {
  constructor(_database: Database, _options: { heads: Heads }) {}
}

export interface PostgresRetentionStore extends RetentionStore {}
