import type { FileResult, TestProgress } from "./test_progress.ts";

/** What a run of tests came to. */
export interface TestRun {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Each test that failed with its place, files that could not be run, and why the run did not come to its end. */
  readonly failures: readonly string[];
  readonly progress: TestProgress;
  /** It came to its end: all that failed are tests, or files that could not be run. */
  readonly isWhole: boolean;
}

export interface Settled {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed for good. */
  readonly failures: readonly string[];
  /** What failed in one of the runs only. */
  readonly flaky: readonly FlakyTest[];
}

export interface FlakyTest {
  readonly failure: string;
  /** Lines of the first error. */
  readonly error: readonly string[];
}

/** More failed files than this are no accident. */
const mostFiles = 10;

/** The files of a run that are worth another one: "./tests/e2e/one_test.ts". */
export function filesToRunAgain({ progress, isWhole }: TestRun): string[] {
  if (!isWhole) return [];
  const failed = [...progress.files].filter(([, { failed }]) => failed.length > 0).map(([file]) => file);
  const files = [...new Set([...failed, ...progress.brokenFiles])];
  return files.length > mostFiles ? [] : files;
}

/**
 * What a run says together with second runs of files that failed in it, by their names. A test that failed in both has failed, one
 * that failed in one of them is flaky and has passed. Each test counts once.
 */
export function settle(first: TestRun, again: ReadonlyMap<string, TestRun>): Settled {
  let { passed, failed, skipped } = first;
  const failures = new Set(first.failures);
  const flaky: FlakyTest[] = [];
  // Added at the end: a test of another file may have the same name and place, and be forgiven.
  const lasting: string[] = [];
  const forgive = (of: TestProgress, name: string) => {
    for (const failure of of.failuresOf(name)) {
      failures.delete(failure);
      flaky.push({ failure, error: of.errorOf(failure) });
    }
  };
  for (const [file, second] of again) {
    const before = first.progress.files.get(file) ?? nothing;
    const after = second.progress.files.get(file) ?? nothing;
    if (!second.isWhole || second.progress.brokenFiles.includes(file)) {
      lasting.push(...before.failed.flatMap((name) => first.progress.failuresOf(name)), ...second.failures);
      continue;
    }
    if (first.progress.brokenFiles.includes(file)) {
      // Not all of it has run before: what counts is what it came to now.
      forgive(first.progress, file);
      for (const name of before.failed) if (after.passed.includes(name)) forgive(first.progress, name);
      lasting.push(...second.failures);
      passed += after.passed.length - before.passed.length;
      skipped += after.skipped - before.skipped;
      failed += after.failed.length - Math.max(1, before.failed.length);
      continue;
    }
    for (const name of after.failed) {
      if (before.passed.includes(name)) forgive(second.progress, name);
      else lasting.push(...second.progress.failuresOf(name));
    }
    for (const name of before.failed) {
      if (!after.passed.includes(name)) {
        lasting.push(...first.progress.failuresOf(name));
        continue;
      }
      const count = countFailed(first.progress, name);
      passed += count;
      failed -= count;
      forgive(first.progress, name);
    }
  }
  for (const failure of lasting) failures.add(failure);
  return { passed, failed: Math.max(failed, failures.size), skipped, failures: [...failures], flaky };
}

/** A test, and its steps that failed, at any depth: a report counts those too. */
function countFailed(progress: TestProgress, name: string): number {
  const failed = new Set([name]);
  for (const failure of progress.failuresOf(name)) {
    const [, ...steps] = failure.slice(name.length, failure.lastIndexOf(" => ")).split(" ... ");
    steps.forEach((_, depth) => failed.add([name, ...steps.slice(0, depth + 1)].join(" ... ")));
  }
  return failed.size;
}

const nothing: FileResult = { passed: [], failed: [], skipped: 0 };
