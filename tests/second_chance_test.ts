import assert from "node:assert/strict";
import { settle, type TestRun, testsToRunAgain } from "../.ci/second_chance.ts";
import { TestProgress } from "../.ci/test_progress.ts";
import { retries, type Retry } from "./retries.ts";

type Outcome = "ok" | "ignored" | "FAILED" | "cancelled";

interface Printed {
  /** By file, and then by test. */
  files: Record<string, Record<string, Outcome>>;
  /** Names, with steps, below which an error is printed. */
  errors?: readonly string[];
  isWhole?: boolean;
}

/** Returns the run that printed this. */
function run({ files, errors, isWhole = true }: Printed): TestRun {
  const results = Object.entries(files).flatMap(([file, tests]) => [
    `running ${Object.keys(tests).length} tests from ./${file}`,
    ...Object.entries(tests).map(([name, outcome]) => `${name} ... ${outcome} (1ms)`),
  ]);
  const failed = Object.entries(files).flatMap(([file, tests]) =>
    Object.keys(tests).filter((name) => tests[name] === "FAILED").map((name) => `${name} => ./${file}:1:6`)
  );
  const names = errors ?? failed;
  const sections = [
    ...["", " ERRORS ", "", ...names.flatMap((name) => [name, `error: of ${name}`, ""])],
    ...[" FAILURES ", "", ...names, ""],
  ];
  const progress = new TestProgress();
  progress.take([...results, ...(names.length > 0 ? sections : [])].join("\n") + "\n");
  const { passed, skipped, failures } = progress;
  return {
    passed,
    failed: Math.max(progress.failed, failures.length),
    skipped,
    failures,
    progress,
    isWhole,
    output: [],
  };
}

const one = "tests/e2e/one_test.ts";
const other = "tests/e2e/other_test.ts";
const listed = (file: string, test: string): Retry => ({ file, test, reason: "a reason", since: "2026-11-29" });

Deno.test("a failed test is run again when the list has it, and no other test is", () => {
  const list = [listed(one, "a"), listed(one, "b"), listed(other, "c")];
  const failed = run({ files: { [one]: { a: "ok", b: "FAILED", d: "FAILED" }, [other]: { b: "FAILED", c: "ok" } } });
  assert.deepEqual(testsToRunAgain(failed, list), [listed(one, "b")]);
  assert.deepEqual(testsToRunAgain(run({ files: { [one]: { a: "ok" } } }), list), []);
});

Deno.test("nothing is run again after a run that did not come to its end", () => {
  assert.deepEqual(testsToRunAgain(run({ files: { [one]: { a: "FAILED" } }, isWhole: false }), [listed(one, "a")]), []);
});

Deno.test("a test that fails and then passes has passed, is counted once, and is told with its first error", () => {
  const first = run({ files: { [one]: { a: "ok", b: "FAILED", c: "ignored" }, [other]: { d: "ok" } } });
  const retry = listed(one, "b");
  assert.deepEqual(settle(first, new Map([[retry, run({ files: { [one]: { b: "ok" } } })]])), {
    passed: 3,
    failed: 0,
    skipped: 1,
    failures: [],
    retried: [{ retry, error: [`error: of b => ./${one}:1:6`] }],
  });
});

Deno.test("a test that fails twice has failed, and so has one that was not seen to pass", () => {
  const first = run({ files: { [one]: { a: "ok", b: "FAILED" } } });
  for (
    const again of [
      run({ files: { [one]: { b: "FAILED" } } }),
      run({ files: {} }),
      run({ files: { [one]: { b: "ok" } }, isWhole: false }),
    ]
  ) {
    const { passed, failed, failures, retried } = settle(first, new Map([[listed(one, "b"), again]]));
    const name = `b => ./${one}:1:6`;
    assert.deepEqual([passed, failed, failures, retried], [1, 1, [{ name, error: [`error: of ${name}`] }], []]);
  }
});

Deno.test("a failure that is not in the list stays, whatever was run again", () => {
  const first = run({ files: { [one]: { a: "FAILED", b: "FAILED" } } });
  const { passed, failed, failures } = settle(
    first,
    new Map([[listed(one, "b"), run({ files: { [one]: { b: "ok" } } })]]),
  );
  assert.deepEqual([passed, failed, failures.map(({ name }) => name)], [1, 1, [`a => ./${one}:1:6`]]);
});

Deno.test("a test of the same name and place in another file is judged by itself", () => {
  const place = ["a => ./tests/contract/shared.ts:1:6"];
  const first = run({ files: { [one]: { a: "FAILED" }, [other]: { a: "FAILED" } }, errors: place });
  const again = new Map([
    [listed(one, "a"), run({ files: { [one]: { a: "FAILED" } }, errors: place })],
    [listed(other, "a"), run({ files: { [other]: { a: "ok" } } })],
  ]);
  const { passed, failed, failures } = settle(first, again);
  assert.deepEqual([passed, failed, failures.map(({ name }) => name)], [1, 1, place]);
});

Deno.test("steps that failed count as a report counts them", () => {
  const place = `a ... a step ... a step of it => ./${one}:2:6`;
  const first = { ...run({ files: { [one]: { a: "FAILED", b: "ok" } }, errors: [place] }), passed: 2, failed: 3 };
  const settled = settle(first, new Map([[listed(one, "a"), run({ files: { [one]: { a: "ok" } } })]]));
  assert.deepEqual([settled.passed, settled.failed, settled.failures], [5, 0, []]);
  assert.deepEqual(settled.retried.map(({ error }) => error), [[`error: of ${place}`]]);
});

Deno.test("each entry of the list names a test, a reason and a day", () => {
  for (const { file, test, reason, since } of retries) {
    assert.ok(Deno.readTextFileSync(new URL(`../${file}`, import.meta.url)).includes(test), `${file} has no "${test}"`);
    assert.ok(reason.length > 20, `${test}: ${reason}`);
    assert.match(since, /^20\d\d-\d\d-\d\d$/);
  }
});
