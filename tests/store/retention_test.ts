import { retentionStoreContract } from "../contract/retention_store.ts";
import { openPostgresRemoval, openSqliteRemoval } from "../support/databases/removal_stores.ts";

retentionStoreContract("sqlite", openSqliteRemoval);
retentionStoreContract("postgres", openPostgresRemoval);
