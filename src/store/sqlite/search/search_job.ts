import { DatabaseSync } from "node:sqlite";
import type { SearchRequest, SearchResult } from "../../../core/search/message_search.ts";
import { databasePath } from "../database.ts";
import { MessageFinder } from "./message_finder.ts";

const settings = `
  PRAGMA busy_timeout = 1000;
  PRAGMA cache_size = -16384;
  PRAGMA mmap_size = 0;
`;

/**
 * Opens the store in `folder` read-only for searches. For a worker, because the returned function blocks its thread.
 */
export function openSearch(folder: string): (request: SearchRequest) => SearchResult {
  const connection = new DatabaseSync(databasePath(folder), { readOnly: true });
  connection.exec(settings);
  const finder = new MessageFinder(connection);
  return (request) => finder.find(request);
}
