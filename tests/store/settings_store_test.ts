import { settingsStoreContract } from "../contract/settings_store.ts";
import { openPostgresStore } from "../support/databases/postgres_store.ts";
import { openTemporaryStore } from "../support/servers/temporary_store.ts";

settingsStoreContract("sqlite, no heads written", openTemporaryStore);
settingsStoreContract("sqlite, all heads written", () => openTemporaryStore({ writesHeads: true }));
settingsStoreContract("postgres", openPostgresStore);
