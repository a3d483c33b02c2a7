import { deviceCleanupContract } from "../contract/device_cleanup.ts";
import { openPostgresStore } from "../support/databases/postgres_store.ts";
import { openTemporaryStore } from "../support/servers/temporary_store.ts";

deviceCleanupContract("sqlite", openTemporaryStore);
deviceCleanupContract("postgres", openPostgresStore);
