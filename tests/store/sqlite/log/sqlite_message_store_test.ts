import { messageStoreContract } from "../../../contract/message_store.ts";
import { messageStoreChanges } from "../../../contract/message_store_changes.ts";
import { messageStorePins } from "../../../contract/message_store_pins.ts";
import { messageStorePeers } from "../../../contract/message_store_peers.ts";
import { messageStoreProperties } from "../../../contract/message_store_properties.ts";
import { messageStoreRooms } from "../../../contract/message_store_rooms.ts";
import { openTemporaryStore } from "../../../support/servers/temporary_store.ts";

for (const writesHeads of [false, true]) {
  const name = writesHeads ? "sqlite, all heads written" : "sqlite, no heads written";
  messageStoreContract(name, () => openTemporaryStore({ writesHeads }));
  messageStoreChanges(name, () => openTemporaryStore({ writesHeads }));
  messageStorePins(name, () => openTemporaryStore({ writesHeads }));
  messageStoreRooms(name, () => openTemporaryStore({ writesHeads }));
  messageStorePeers(name, () => openTemporaryStore({ writesHeads }));
}

// The strategies of finding new entries: scan, merge of conversations, and a mix of both.
messageStoreProperties("sqlite", openTemporaryStore);
messageStoreProperties("sqlite, by conversation", () => openTemporaryStore({ scanWindow: 0 }));
messageStoreProperties("sqlite, by written heads", () => openTemporaryStore({ scanWindow: 0, writesHeads: true }));
messageStoreProperties("sqlite, by both", () => openTemporaryStore({ scanWindow: 40 }));
messageStoreProperties("sqlite, window by window", () => openTemporaryStore({ scanWindow: 40, maxMerged: 1 }));
