/** What was found, and what to do about it. */
export interface Finding {
  /** A warning is worth a look, and nothing to fix. */
  readonly kind: "ok" | "warning" | "problem";
  readonly what: string;
  readonly fix?: string;
}

export type Findings = AsyncIterable<Finding> | Iterable<Finding>;

/** One area of the set-up, looked at when its turn comes. */
export interface Check {
  /** "data folder", say. */
  readonly area: string;
  examine(): Findings;
}

export function ok(what: string): Finding {
  return { kind: "ok", what };
}

export function warning(what: string, fix?: string): Finding {
  return { kind: "warning", what, fix };
}

export function problem(what: string, fix?: string): Finding {
  return { kind: "problem", what, fix };
}
