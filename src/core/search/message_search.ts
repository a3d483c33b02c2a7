import type { SearchTerm } from "./search_query.ts";

/** What `user` looks for, with names and addresses resolved. */
export interface SearchRequest {
  readonly user: string;
  readonly terms: readonly SearchTerm[];
  readonly excluded: readonly SearchTerm[];
  /** Who sent it; anybody unless given. */
  readonly sender?: string;
  /** All that the user may see unless given. */
  readonly conversation?: string;
  /** In milliseconds since the Unix epoch. */
  readonly before?: number;
  /** In milliseconds since the Unix epoch: then, or later. */
  readonly after?: number;
  /** Only messages with a lower position; 0 starts from the newest. */
  readonly beforePosition: number;
  readonly limit: number;
}

/** Where there is what was looked for: the newest first, and only what the user may see. */
export interface SearchResult {
  readonly positions: readonly number[];
  /** There may be more before `nextBeforePosition`, even where nothing was found yet: a search gives up its turn after a while. */
  readonly more: boolean;
  readonly nextBeforePosition: number;
  /** What was written after this position is not found yet. */
  readonly indexedThrough: number;
}

/** Finds messages by what is in them. */
export interface MessageSearch {
  /** @throws {ChatError} `busy`, `rate_limited`, `limit_reached`, `unavailable`. */
  find(request: SearchRequest): Promise<SearchResult>;
}
