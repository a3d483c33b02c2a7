/** A piece of a row. Its own column keeps it in place where the terminal measures the pieces before it differently. */
export interface Segment {
  /** Counted from 0. */
  readonly column: number;
  /** Safe for a terminal; ends the styles that it begins. */
  readonly text: string;
}

/** The whole content of a terminal. */
export interface Frame {
  /** The title of the terminal's window, safe for a terminal. */
  readonly title?: string;
  /** Whether the terminal reports the wheel of the mouse. Default false. */
  readonly mouse?: boolean;
  /** One for each row of the terminal. */
  readonly rows: readonly (readonly Segment[])[];
  readonly cursor: { readonly row: number; readonly column: number };
}
