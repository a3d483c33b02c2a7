import { accountStoreContract } from "../contract/account_store.ts";
import { messageStoreContract } from "../contract/message_store.ts";
import { messageStoreProperties } from "../contract/message_store_properties.ts";
import { MemoryStore } from "./memory_store.ts";

function open() {
  const store = new MemoryStore();
  return { messages: store, accounts: store, close() {} };
}

messageStoreContract("memory", open);
accountStoreContract("memory", open);
messageStoreProperties("memory", open);
