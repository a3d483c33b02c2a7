import { messageStoreContract } from "../contract/message_store.ts";
import { openTemporaryStore } from "../support/temporary_store.ts";

messageStoreContract("sqlite", openTemporaryStore);
