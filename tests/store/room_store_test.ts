import { roomDeletionContract } from "../contract/room_deletion.ts";
import { roomStoreContract } from "../contract/room_store.ts";
import { openPostgresStore } from "../support/databases/postgres_store.ts";
import { openPostgresRemoval, openSqliteRemoval } from "../support/databases/removal_stores.ts";
import { openTemporaryStore } from "../support/servers/temporary_store.ts";

roomStoreContract("sqlite, no heads written", openTemporaryStore);
roomStoreContract("sqlite, all heads written", () => openTemporaryStore({ writesHeads: true }));
roomStoreContract("postgres", openPostgresStore);

roomDeletionContract("sqlite", openSqliteRemoval);
roomDeletionContract("postgres", openPostgresRemoval);
