/** A piece of a row. That each says where it is keeps the rest in place when a terminal counts other cells than we do. */
export interface Segment {
  /** Counted from 0. */
  readonly column: number;
  /** Safe for a terminal; styles end in it. */
  readonly text: string;
}

/** Everything that a terminal is to show. */
export interface Frame {
  /** As many as the terminal has. */
  readonly rows: readonly (readonly Segment[])[];
  readonly cursor: { readonly row: number; readonly column: number };
}
