import { PostgresErasureStore } from "../../../src/store/postgres/postgres_erasure_store.ts";
import { PostgresFileStore } from "../../../src/store/postgres/postgres_file_store.ts";
import { PostgresSearch } from "../../../src/store/postgres/search/postgres_search.ts";
import { PostgresSearchIndex } from "../../../src/store/postgres/search/postgres_search_index.ts";
import type { OpenedLog, TestMessageStore } from "../servers/test_message_store.ts";
import type { ChatStore } from "../servers/test_store.ts";
import { openPostgresStore } from "./postgres_store.ts";

/** Opens the empty schema of this process for a chat. One is open at a time. */
export async function openPostgresChatStore<Messages extends TestMessageStore>(
  makeLog: (log: OpenedLog) => Messages,
): Promise<ChatStore<Messages>> {
  const store = await openPostgresStore();
  const { database } = store;
  const messages = makeLog(store.messages);
  await messages.beginIncarnation();
  const index = await PostgresSearchIndex.open(database);
  const search = new PostgresSearch(database);
  return {
    ...store,
    messages,
    search: {
      find: async (request) => {
        while (await index.takeTurn({ head: messages.head, turnMs: 1_000, maxEntries: 1_000 }));
        return await search.find(request);
      },
    },
    erasure: new PostgresErasureStore(database),
    files: new PostgresFileStore(database),
    close: async () => {
      search[Symbol.dispose]();
      index[Symbol.dispose]();
      await store.close();
    },
  };
}
