import type { Retry } from "../tests/retries.ts";
import type { TestProgress } from "./test_progress.ts";

/** The outcome of a run of tests. */
export interface TestRun {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Each test that failed with its place, files that could not be run, and why the run did not come to its end. */
  readonly failures: readonly string[];
  readonly progress: TestProgress;
  /** The run came to its end: all failures are tests, or files that could not be run. */
  readonly isWhole: boolean;
  /** Lines that explain the failures. */
  readonly output: readonly string[];
}

/** The outcome together with second runs. */
export interface Settled {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
  readonly retried: readonly RetriedTest[];
}

/** A test that failed with its place, a file that could not be run, or why the run did not come to its end. */
export interface Failure {
  readonly name: string;
  /** Lines of the error; empty where none was printed. */
  readonly error: readonly string[];
}

/** A test that failed, and passed when it was run again. */
export interface RetriedTest {
  readonly retry: Retry;
  /** Lines of the first error. */
  readonly error: readonly string[];
}

/** Returns the failed tests of a run that may be run again: those in the list. */
export function testsToRunAgain({ progress, isWhole }: TestRun, retries: readonly Retry[]): Retry[] {
  return isWhole ? retries.filter((retry) => hasFailed(progress, retry)) : [];
}

function hasFailed(progress: TestProgress, { file, test }: Retry): boolean {
  return progress.files.get(`./${file}`)?.failed.includes(test) ?? false;
}

/** Combines a run with second runs of single tests. A test that passed in its second run has passed, and counts once. */
export function settle(first: TestRun, again: ReadonlyMap<Retry, TestRun>): Settled {
  const { progress } = first;
  const passing = [...again].filter(([{ file, test }, run]) =>
    run.isWhole && run.failed === 0 && run.progress.files.get(`./${file}`)?.passed.includes(test)
  ).map(([retry]) => retry);
  const isForgiven = (file: string, test: string) =>
    passing.some((each) => `./${each.file}` === file && each.test === test);
  const failures = new Set(first.failures);
  const retried: RetriedTest[] = [];
  let { passed, failed } = first;
  for (const retry of passing) {
    const named = progress.failuresOf(retry.test);
    const count = countFailed(progress, retry.test);
    passed += count;
    failed -= count;
    retried.push({ retry, error: named.flatMap((failure) => progress.errorOf(failure)) });
    // A test of another file may have the same name and place.
    const failedIn = [...progress.files].filter(([, { failed }]) => failed.includes(retry.test));
    if (failedIn.every(([file]) => isForgiven(file, retry.test))) named.forEach((failure) => failures.delete(failure));
  }
  return {
    passed,
    failed: Math.max(failed, failures.size),
    skipped: first.skipped,
    failures: [...failures].map((name) => ({ name, error: progress.errorOf(name) })),
    retried,
  };
}

/** Counts a test and its steps that failed, at any depth: a report counts those too. */
function countFailed(progress: TestProgress, name: string): number {
  const failed = new Set([name]);
  for (const failure of progress.failuresOf(name)) {
    const [, ...steps] = failure.slice(name.length, failure.lastIndexOf(" => ")).split(" ... ");
    steps.forEach((_, depth) => failed.add([name, ...steps.slice(0, depth + 1)].join(" ... ")));
  }
  return failed.size;
}
