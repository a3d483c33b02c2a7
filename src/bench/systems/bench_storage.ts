import { lockFolder } from "../../store/folder_lock.ts";
import { openStore } from "../../store/open_store.ts";
import type { Store } from "../../store/store.ts";

/** The store of one server. */
export interface PreparedStorage<Result> {
  /** The result of the work on the store. */
  readonly prepared: Result;
  /** Options of the server, and the permissions that it needs for them. */
  readonly args: readonly string[];
  readonly read: readonly string[];
  readonly net: readonly string[];
  readonly env: readonly string[];
  /** The postmaster on this machine. */
  readonly databasePid?: number;
  /** Removes the store, except the data folder. */
  remove(): Promise<void>;
}

/** Makes the stores of servers that the bench starts. */
export interface BenchStorage {
  /**
   * Opens a store for `work`, before a server has it. `folder` is the server's data folder, which may have a store.
   * @throws {ChatError} with the reason why it cannot be measured here
   */
  prepare<Result>(folder: string, work: (store: Store) => Promise<Result>): Promise<PreparedStorage<Result>>;
}

/** Stores in data folders. */
export const folderStorage: BenchStorage = {
  async prepare(folder, work) {
    using _lock = lockFolder(folder);
    using store = openStore({ folder });
    return { prepared: await work(store), args: [], read: [], net: [], env: [], remove: () => Promise.resolve() };
  },
};
