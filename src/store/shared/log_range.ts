export interface LogPagesOptions {
  /** Maximum number of entries to examine for one page. Default: 4096. */
  maxLookedAt?: number;
}

/** A range of a conversation for a user, both given by key. */
export interface LogRange {
  readonly user: number;
  readonly conversation: number;
  /** Lowest seq. */
  readonly from: number;
  /** Highest seq. */
  readonly to: number;
  /** Whether to include events. */
  readonly events: boolean;
}

export interface LogPage {
  /** In the direction of the search. */
  readonly positions: number[];
  /** The seq before which the search stopped because it had examined the maximum. */
  readonly cutAt: number | undefined;
}
