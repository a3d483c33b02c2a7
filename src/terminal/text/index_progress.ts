/** Positions that the index may be behind without a notice: it always is a little while messages arrive. */
const maxQuietLag = 100;

/** How far the index of a search is, as in the response. */
export interface IndexedPart {
  readonly indexedThrough: number;
  readonly head: number;
}

/** Returns whether a search with `found` results may have missed messages that its reader expects. */
export function isIndexBehind({ indexedThrough, head }: IndexedPart, found: number): boolean {
  return head - indexedThrough > (found === 0 ? 0 : maxQuietLag);
}

/** Says how far the index is, in one sentence. */
export function indexProgress({ indexedThrough, head }: IndexedPart): string {
  const percent = Math.floor(100 * indexedThrough / head);
  return `The newest messages are not indexed yet: ${percent} % are. Try again in a moment.`;
}
