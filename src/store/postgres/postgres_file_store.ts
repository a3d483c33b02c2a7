import type { FileStore } from "../../core/files/file_store.ts";
import type { Database } from "./connection/database.ts";

export class PostgresFileStore {
  constructor(_database: Database) {}
}

export interface PostgresFileStore extends FileStore {}
