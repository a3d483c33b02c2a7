import { accountStoreContract } from "../contract/account_store.ts";
import { openPostgresStore } from "../support/databases/postgres_store.ts";
import { openTemporaryStore } from "../support/servers/temporary_store.ts";

accountStoreContract("sqlite", openTemporaryStore);
accountStoreContract("postgres", openPostgresStore);
