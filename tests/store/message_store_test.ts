import { messageStoreContract } from "../contract/message_store.ts";
import { messageStoreChanges } from "../contract/message_store_changes.ts";
import { messageStorePins } from "../contract/message_store_pins.ts";
import { messageStorePeers } from "../contract/message_store_peers.ts";
import { messageStoreProperties } from "../contract/message_store_properties.ts";
import { messageStoreRooms } from "../contract/message_store_rooms.ts";
import { openPostgresStore } from "../support/databases/postgres_store.ts";
import { openTemporaryStore } from "../support/servers/temporary_store.ts";

const stores = {
  "sqlite, no heads written": () => openTemporaryStore({ writesHeads: false }),
  "sqlite, all heads written": () => openTemporaryStore({ writesHeads: true }),
  "postgres": () => openPostgresStore(),
};

for (const [name, open] of Object.entries(stores)) {
  messageStoreContract(name, open);
  messageStoreChanges(name, open);
  messageStorePins(name, open);
  messageStoreRooms(name, open);
  messageStorePeers(name, open);
}

// The strategies of finding new entries: scan, merge of conversations, and a mix of both.
messageStoreProperties("sqlite", openTemporaryStore);
messageStoreProperties("sqlite, by conversation", () => openTemporaryStore({ scanWindow: 0 }));
messageStoreProperties("sqlite, by written heads", () => openTemporaryStore({ scanWindow: 0, writesHeads: true }));
messageStoreProperties("sqlite, by both", () => openTemporaryStore({ scanWindow: 40 }));
messageStoreProperties("sqlite, window by window", () => openTemporaryStore({ scanWindow: 40, maxMerged: 1 }));
messageStoreProperties("postgres", () => openPostgresStore());
messageStoreProperties("postgres, by conversation", () => openPostgresStore({ scanWindow: 0 }));
messageStoreProperties("postgres, by both", () => openPostgresStore({ scanWindow: 40 }));
