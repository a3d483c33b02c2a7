import type { SearchTerm } from "./search_query.ts";

/** A search by `user`, with names and addresses resolved. */
export interface SearchRequest {
  readonly user: string;
  readonly terms: readonly SearchTerm[];
  readonly excluded: readonly SearchTerm[];
  /** The author; any unless given. */
  readonly sender?: string;
  /** All conversations of the user unless given. */
  readonly conversation?: string;
  /** Accepted before this time, in milliseconds since the Unix epoch. */
  readonly before?: number;
  /** Accepted at or after this time, in milliseconds since the Unix epoch. */
  readonly after?: number;
  readonly hasFile?: boolean;
  /** Only messages that mention the user. */
  readonly mentionsMe?: boolean;
  /** Only messages of others that the user has not read. */
  readonly isUnread?: boolean;
  /** Only messages with a lower position; 0 starts from the newest. */
  readonly beforePosition: number;
  readonly limit: number;
}

/** Positions of matching messages that the user may see, newest first. */
export interface SearchResult {
  readonly positions: readonly number[];
  /**
   * More matches may exist before `nextBeforePosition`, even if this result is empty: a search yields after a while.
   */
  readonly more: boolean;
  readonly nextBeforePosition: number;
  /** Messages after this position are not indexed yet. */
  readonly indexedThrough: number;
  /** The time of the newest indexed entry, in milliseconds since the Unix epoch; 0 if none is indexed. */
  readonly indexedUntil: number;
}

/** Finds messages by their content. */
export interface MessageSearch {
  /** @throws {ChatError} `busy`, `rate_limited`, `limit_reached`, `unavailable`. */
  find(request: SearchRequest): Promise<SearchResult>;
}
