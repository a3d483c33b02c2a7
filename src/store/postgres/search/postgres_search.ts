import type { MessageSearch, SearchRequest, SearchResult } from "../../../core/search/message_search.ts";
import type { Database } from "../connection/database.ts";

/** Finds messages by their content. */
export class PostgresSearch implements MessageSearch {
  constructor(_database: Database) {}

  find(_request: SearchRequest): Promise<SearchResult> {
    throw new Error("not written");
  }
}
