import type { Database } from "../../../src/store/postgres/connection/database.ts";
import type { AccountStore } from "../../../src/core/accounts/account_store.ts";
import type { FileStore } from "../../../src/core/files/file_store.ts";
import type { ErasureStore } from "../../../src/core/messages/erasure.ts";
import type { ExclusiveMessageStore } from "../../../src/core/messages/message_store.ts";
import type { RetentionStore } from "../../../src/core/messages/retention_store.ts";
import type { RoomStore } from "../../../src/core/rooms/room_store.ts";
import { openStore } from "../../../src/store/open_store.ts";
import { temporaryFolder } from "../checks/temporary_folder.ts";
import { openEmptyDatabase, openStores } from "./postgres_store.ts";

/** The stores of a server that remove something from its log, beside the log. Disposal closes them. */
export interface RemovalStores extends AsyncDisposable {
  readonly messages: ExclusiveMessageStore;
  readonly accounts: AccountStore;
  readonly rooms: RoomStore;
  readonly retention: RetentionStore;
  readonly erasure: ErasureStore;
  readonly files: FileStore;
  /** Closes these, and opens those of the next server, which owns the data from now on. */
  reopen(): Promise<RemovalStores>;
}

/** Opens an empty store in SQLite. */
export function openSqliteRemoval(): Promise<RemovalStores> {
  const opened = new AsyncDisposableStack();
  return openFolder(opened.use(temporaryFolder()).path, opened);
}

/** Opens the store of a folder. @param opened what closes after it */
function openFolder(folder: string, opened: AsyncDisposableStack): Promise<RemovalStores> {
  const store = openStore({ folder });
  const resources = opened.move();
  resources.defer(() => store.close());
  return Promise.resolve({
    ...store,
    reopen: () => {
      store.close();
      return openFolder(folder, resources);
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  });
}

/** Opens an empty store in PostgreSQL. One is open at a time. */
export async function openPostgresRemoval(): Promise<RemovalStores> {
  const opened = new AsyncDisposableStack();
  return await openDatabase(opened.use(await openEmptyDatabase()), opened);
}

async function openDatabase(database: Database, opened: AsyncDisposableStack): Promise<RemovalStores> {
  const stores = await openStores(database);
  const resources = opened.move();
  resources.defer(() => stores.messages.close());
  return {
    ...stores,
    reopen: async () => {
      await stores.messages.close();
      return await openDatabase(database, resources);
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
