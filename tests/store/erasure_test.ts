import { erasureStoreContract } from "../contract/erasure_store.ts";
import { openPostgresRemoval, openSqliteRemoval } from "../support/databases/removal_stores.ts";

erasureStoreContract("sqlite", openSqliteRemoval);
erasureStoreContract("postgres", openPostgresRemoval);
