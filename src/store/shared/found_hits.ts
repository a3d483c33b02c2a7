import type { SearchResult } from "../../core/search/message_search.ts";

/** Conversations per query of the index. */
export const conversationsPerQuery = 256;
/** Limits of a search beyond the first hits of each query: examined hits, and milliseconds. */
export const maxHits = 20_000;
export const maxTurnMs = 1_000;
export const minHitsOfQuery = 64;
/** How far the clock may have been set back without missing hits, in milliseconds; it widens the range of positions. */
export const clockSlackMs = 24 * 60 * 60 * 1000;

/** Visible hits of one query of the index. */
export interface FoundHits {
  /** Highest first. */
  readonly positions: readonly number[];
  /** The result is complete down to this position. */
  readonly through: number;
}

/** Merges the newest results of several queries. */
export function newestHits(
  found: readonly FoundHits[],
  limit: number,
): Pick<SearchResult, "positions" | "more" | "nextBeforePosition"> {
  const through = Math.max(...found.map((each) => each.through));
  const all = found.flatMap(({ positions }) => positions).filter((position) => position >= through);
  all.sort((one, other) => other - one);
  const positions = all.slice(0, limit);
  const last = positions.length < all.length ? positions[limit - 1] : through;
  return { positions, more: last > 0, nextBeforePosition: last };
}
