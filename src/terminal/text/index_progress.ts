import { clock, date } from "./local_clock.ts";

/** Positions that the index may be behind without a notice: it always is a little while messages arrive. */
const maxQuietLag = 100;

/** How far the index of a search is, as in the response. */
export interface IndexedPart {
  readonly indexedThrough: number;
  readonly head: number;
  /** The time of the newest indexed message; 0 if none is indexed. */
  readonly indexedUntilMs: number;
}

/** Returns whether a search with `found` results may have missed messages that its reader expects. */
export function isIndexBehind({ indexedThrough, head }: Omit<IndexedPart, "indexedUntilMs">, found: number): boolean {
  return head - indexedThrough > (found === 0 ? 0 : maxQuietLag);
}

/** Says how far the index is, in one sentence. It is filled from the oldest message on. */
export function indexProgress({ indexedThrough, head, indexedUntilMs }: IndexedPart): string {
  if (indexedThrough === 0) return "No messages are indexed yet. Try again in a moment.";
  const percent = Math.floor(100 * indexedThrough / head);
  // An older server does not tell the time.
  const until = indexedUntilMs > 0 ? `up to ${date(indexedUntilMs)} ${clock(indexedUntilMs)}, ` : "";
  return `Only the oldest messages are indexed yet: ${until}${percent} % of all. Try again in a moment.`;
}
