import { sanitizeLine } from "../../core/sanitize.ts";

/** The result of a check, with a suggested fix. */
export interface Finding {
  /** A warning does not change the exit code. */
  readonly kind: "ok" | "warning" | "problem";
  readonly what: string;
  readonly fix?: string;
}

export type Findings = AsyncIterable<Finding> | Iterable<Finding>;

/** The checks of one area of the setup. */
export interface Check {
  /** Such as "data folder". */
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

const labels = { ok: "ok     ", warning: "warning", problem: "PROBLEM" } as const;

/** Formats a finding for people. Names in it, which may come from a database or a broker, become harmless. */
export function formatFinding(area: string, { kind, what, fix }: Finding): string {
  const line = `${labels[kind]}  ${area}: ${sanitizeLine(what)}`;
  return fix === undefined ? line : `${line}\n         ${sanitizeLine(fix)}`;
}
