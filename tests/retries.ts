/** A test that the runner may run a second time when it fails. */
export interface Retry {
  /** The path from the root: "tests/e2e/serve_test.ts". */
  readonly file: string;
  readonly test: string;
  /** Why the test can fail although chatd is right, and why it cannot be mended. */
  readonly reason: string;
  /** The day on which the entry was made: "2026-11-29". */
  readonly since: string;
}

/** All tests that may be run a second time. A failure of any other test fails the run. */
export const retries: readonly Retry[] = [];
