import type { SearchRequest } from "../../../src/core/search/message_search.ts";
import { parseSearchQuery } from "../../../src/core/search/search_query.ts";
import { Database } from "../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { MessageFinder } from "../../../src/store/sqlite/search/message_finder.ts";
import { SearchIndex } from "../../../src/store/sqlite/search/search_index.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { accept, directAppend, userRecord } from "./stored_messages.ts";

/** A store with an index that goes on when it is told to. Its owner closes it. */
export class SearchStore implements Disposable {
  readonly messages: SqliteMessageStore;
  readonly index: SearchIndex;
  readonly finder: MessageFinder;
  readonly database: Database;

  private constructor(database: Database) {
    this.database = database;
    this.messages = new SqliteMessageStore(database);
    this.index = new SearchIndex(database);
    this.finder = new MessageFinder(database);
  }

  static async open(folder?: string): Promise<SearchStore> {
    const store = new SearchStore(folder === undefined ? Database.openInMemory() : Database.open(folder));
    const accounts = new SqliteAccountStore(store.database);
    for (const user of ["ana", "ben", "cleo"]) await accounts.addUser(userRecord(user));
    return store;
  }

  /** @returns its position. */
  async say(sender: string, to: string, text: string, acceptedAt?: number): Promise<number> {
    return (await accept(this.messages, directAppend(sender, to, { text, acceptedAt }))).position;
  }

  /** @param target seq of the message that the event is about */
  async amend(sender: string, to: string, target: number, text?: string): Promise<void> {
    const event = { kind: text === undefined ? "deleted" as const : "edited" as const, target };
    await accept(this.messages, { ...directAppend(sender, to, { text: text ?? "" }), event });
  }

  /** Indexes everything, or up to `head`. */
  catchUp(head = this.messages.head): void {
    while (this.index.takeTurn({ head, turnMs: 1_000, maxEntries: 1_000 }));
  }

  /** Positions of what `user` finds. */
  find(user: string, query: string, page: Partial<SearchRequest> = {}): readonly number[] {
    const { from, in: conversation, ...rest } = parseSearchQuery(query);
    return this.finder.find({ user, ...rest, sender: from, conversation, beforePosition: 0, limit: 100, ...page })
      .positions;
  }

  close(): void {
    this.database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
