import { openStore } from "../../src/store/open_store.ts";
import type { OpenedStore } from "../contract/message_store.ts";
import { temporaryFolder } from "./temporary_folder.ts";

/** A store in a folder of its own, which goes when the store is closed. */
export function openTemporaryStore(): OpenedStore {
  const folder = temporaryFolder();
  const store = openStore({ folder: folder.path });
  const close = () => {
    store.close();
    folder[Symbol.dispose]();
  };
  return { messages: store.messages, accounts: store.accounts, close };
}
