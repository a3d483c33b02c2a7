import { silentLog } from "../../src/core/log.ts";
import { openStore } from "../../src/store/open_store.ts";
import { openPostgresStore } from "../../src/store/postgres/open_postgres_store.ts";
import { clockStoreContract } from "../contract/clock_store.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { leaseEmptySchema } from "../support/databases/postgres_store.ts";

clockStoreContract("sqlite", () => {
  const folder = temporaryFolder();
  return { open: () => openStore({ folder: folder.path, log: silentLog }), close: () => folder[Symbol.dispose]() };
});

clockStoreContract("postgres", async () => {
  const options = { ...await leaseEmptySchema(), log: silentLog };
  return { open: () => openPostgresStore(options), close: () => {} };
});
