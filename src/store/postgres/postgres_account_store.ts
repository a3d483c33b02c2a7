import type { AccountStore } from "../../core/accounts/account_store.ts";
import type { Database } from "./connection/database.ts";

export class PostgresAccountStore {
  constructor(_database: Database, _options: { onRenamed: () => void }) {}
}

export interface PostgresAccountStore extends AccountStore {}
