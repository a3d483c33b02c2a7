import type { ErasureStore } from "../../core/messages/erasure.ts";
import type { Database } from "./connection/database.ts";

export class PostgresErasureStore {
  constructor(_database: Database) {}
}

export interface PostgresErasureStore extends ErasureStore {}
