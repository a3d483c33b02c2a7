import { settingsStoreContract } from "../../contract/settings_store.ts";
import { openTemporaryStore } from "../../support/servers/temporary_store.ts";

settingsStoreContract("sqlite", openTemporaryStore);
