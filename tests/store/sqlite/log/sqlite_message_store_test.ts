import { messageStoreContract } from "../../../contract/message_store.ts";
import { messageStoreChanges } from "../../../contract/message_store_changes.ts";
import { messageStorePeers } from "../../../contract/message_store_peers.ts";
import { messageStoreProperties } from "../../../contract/message_store_properties.ts";
import { messageStoreRooms } from "../../../contract/message_store_rooms.ts";
import { openTemporaryStore } from "../../../support/servers/temporary_store.ts";

messageStoreContract("sqlite", openTemporaryStore);
messageStoreChanges("sqlite", openTemporaryStore);
messageStoreRooms("sqlite", openTemporaryStore);
messageStorePeers("sqlite", openTemporaryStore);
// The strategies of finding new entries: scan, merge of conversations, and a mix of both.
messageStoreProperties("sqlite", openTemporaryStore);
messageStoreProperties("sqlite, by conversation", () => openTemporaryStore({ scanWindow: 0 }));
messageStoreProperties("sqlite, by both", () => openTemporaryStore({ scanWindow: 40 }));
messageStoreProperties("sqlite, window by window", () => openTemporaryStore({ scanWindow: 40, maxMerged: 1 }));
