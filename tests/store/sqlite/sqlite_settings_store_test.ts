import { settingsStoreContract } from "../../contract/settings_store.ts";
import { openTemporaryStore } from "../../support/temporary_store.ts";

settingsStoreContract("sqlite", openTemporaryStore);
