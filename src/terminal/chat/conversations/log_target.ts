/** A place that a pane was scrolled to: the item at its bottom, and the rows of it that are below the pane. */
export interface ScrollPlace {
  readonly seq: number;
  /** 0 for a message; notes of chatd after it have higher numbers. */
  readonly sub: number;
  readonly hidden: number;
}

/** A part of a log: a message by its seq, the first one accepted at a time or later, or a place to scroll back to. */
export type LogTarget = { readonly seq: number } | { readonly fromMs: number } | { readonly bottom: ScrollPlace };
