import { openStore } from "../../src/store/open_store.ts";
import type { OpenedStore } from "../contract/message_store.ts";

/** A store in a folder of its own, which goes when the store is closed. */
export function openTemporaryStore(): OpenedStore {
  const folder = Deno.makeTempDirSync({ prefix: "chatd-store-" });
  const store = openStore({ folder });
  const close = () => {
    store.close();
    Deno.removeSync(folder, { recursive: true });
  };
  return { messages: store.messages, accounts: store.accounts, close };
}
