import { messageStoreContract } from "../contract/message_store.ts";
import { messageStoreProperties } from "../contract/message_store_properties.ts";
import { openTemporaryStore } from "../support/temporary_store.ts";

messageStoreContract("sqlite", openTemporaryStore);
messageStoreProperties("sqlite", openTemporaryStore);
