import assert from "node:assert/strict";
import { filesToRunAgain, settle, type TestRun } from "../.ci/second_chance.ts";
import { TestProgress } from "../.ci/test_progress.ts";

type Outcome = "ok" | "ignored" | "FAILED" | "cancelled";

interface Printed {
  /** By file, and then by test. */
  files: Record<string, Record<string, Outcome>>;
  /** Names, with steps, below which an error is printed. */
  errors?: readonly string[];
  isWhole?: boolean;
}

/** What a run is that printed this. */
function run({ files, errors, isWhole = true }: Printed): TestRun {
  const results = Object.entries(files).flatMap(([file, tests]) => [
    `running ${Object.keys(tests).length} tests from ${file}`,
    ...Object.entries(tests).map(([name, outcome]) => `${name} ... ${outcome} (1ms)`),
  ]);
  const failed = Object.entries(files).flatMap(([file, tests]) =>
    Object.keys(tests).filter((name) => tests[name] === "FAILED").map((name) => `${name} => ${file}:1:6`)
  );
  const names = errors ?? failed;
  const sections = [
    ...["", " ERRORS ", "", ...names.flatMap((name) => [name, `error: of ${name}`, ""])],
    ...[" FAILURES ", "", ...names, ""],
  ];
  const progress = new TestProgress();
  progress.take([...results, ...(names.length > 0 ? sections : [])].join("\n") + "\n");
  const { passed, skipped, failures } = progress;
  return { passed, failed: Math.max(progress.failed, failures.length), skipped, failures, progress, isWhole };
}

const one = "./tests/e2e/one_test.ts";
const other = "./tests/e2e/other_test.ts";

Deno.test("files with tests that failed are run again, and files that could not be run", () => {
  const files = { [one]: { a: "ok", b: "FAILED" }, [other]: { c: "ok" } } as const;
  assert.deepEqual(filesToRunAgain(run({ files })), [one]);
  const broken = run({ files, errors: [`b => ${one}:1:6`, `${other} (uncaught error)`, "./new.ts (uncaught error)"] });
  assert.deepEqual(filesToRunAgain(broken), [one, other, "./new.ts"]);
  assert.deepEqual(filesToRunAgain(run({ files: { [one]: { a: "ok" } } })), []);
});

Deno.test("nothing is run again after a run that hung, or in which much failed", () => {
  assert.deepEqual(filesToRunAgain(run({ files: { [one]: { a: "FAILED" } }, isWhole: false })), []);
  const many = Array.from({ length: 11 }, (_, number) => [`./tests/e2e/${number}_test.ts`, { a: "FAILED" }] as const);
  assert.deepEqual(filesToRunAgain(run({ files: Object.fromEntries(many) })), []);
});

Deno.test("a test that fails and then passes has passed, is counted once, and is told with its first error", () => {
  const first = run({ files: { [one]: { a: "ok", b: "FAILED", c: "ignored" }, [other]: { d: "ok" } } });
  const settled = settle(first, new Map([[one, run({ files: { [one]: { a: "ok", b: "ok", c: "ignored" } } })]]));
  assert.deepEqual(settled, {
    passed: 3,
    failed: 0,
    skipped: 1,
    failures: [],
    flaky: [{ failure: `b => ${one}:1:6`, error: [`error: of b => ${one}:1:6`] }],
  });
});

Deno.test("a test that fails twice has failed; one that fails only in the second run is flaky", () => {
  const first = run({ files: { [one]: { a: "ok", b: "FAILED", c: "FAILED" } } });
  const second = run({ files: { [one]: { a: "FAILED", b: "FAILED", c: "ok" } } });
  const { passed, failed, failures, flaky } = settle(first, new Map([[one, second]]));
  assert.deepEqual([passed, failed, failures], [2, 1, [`b => ${one}:1:6`]]);
  assert.deepEqual(flaky.map(({ failure }) => failure).sort(), [`a => ${one}:1:6`, `c => ${one}:1:6`]);
});

Deno.test("a test that was not seen to pass has failed", () => {
  const first = run({ files: { [one]: { a: "ok", "b (seed 1)": "FAILED" } } });
  for (const outcome of ["FAILED", "ok"] as const) {
    const second = run({ files: { [one]: { a: "ok", "b (seed 2)": outcome } } });
    const { failed, failures } = settle(first, new Map([[one, second]]));
    assert.equal(failed, outcome === "ok" ? 1 : 2);
    assert.ok(failures.includes(`b (seed 1) => ${one}:1:6`));
  }
  const { failed } = settle(first, new Map([[one, run({ files: {} })]]));
  assert.equal(failed, 1);
});

Deno.test("a test of the same name and place in another file is judged by itself", () => {
  const place = ["a => ./tests/contract/shared.ts:1:6"];
  const first = run({ files: { [one]: { a: "FAILED" }, [other]: { a: "FAILED" } }, errors: place });
  const again = new Map([
    [one, run({ files: { [one]: { a: "FAILED" } }, errors: place })],
    [other, run({ files: { [other]: { a: "ok" } } })],
  ]);
  const { passed, failed, failures } = settle(first, again);
  assert.deepEqual([passed, failed, failures], [1, 1, place]);
});

Deno.test("steps that failed count as a report counts them", () => {
  const place = `a ... a step ... a step of it => ${one}:2:6`;
  const first = { ...run({ files: { [one]: { a: "FAILED", b: "ok" } }, errors: [place] }), passed: 2, failed: 3 };
  const settled = settle(first, new Map([[one, run({ files: { [one]: { a: "ok", b: "ok" } } })]]));
  assert.deepEqual([settled.passed, settled.failed, settled.failures], [5, 0, []]);
  assert.deepEqual(settled.flaky.map(({ failure }) => failure), [place]);
});

Deno.test("tests of a file that broke count as they do when it is run again", () => {
  const errors = [`${one} (uncaught error)`];
  const first = run({ files: { [one]: { a: "ok", b: "cancelled", c: "cancelled" }, [other]: { d: "ok" } }, errors });
  const whole = settle(first, new Map([[one, run({ files: { [one]: { a: "ok", b: "ok", c: "ok" } } })]]));
  assert.deepEqual([whole.passed, whole.failed, whole.failures], [4, 0, []]);
  assert.deepEqual(whole.flaky, [{ failure: errors[0], error: [`error: of ${errors[0]}`] }]);
  // Never seen to pass.
  const failing = settle(first, new Map([[one, run({ files: { [one]: { a: "ok", b: "ok", c: "FAILED" } } })]]));
  assert.deepEqual([failing.passed, failing.failed, failing.failures], [3, 1, [`c => ${one}:1:6`]]);
  const unread = run({ files: { [other]: { d: "ok" } }, errors });
  const read = settle(unread, new Map([[one, run({ files: { [one]: { a: "ok", b: "ok" } } })]]));
  assert.deepEqual([read.passed, read.failed, read.failures], [3, 0, []]);
});

Deno.test("a second run that breaks or hangs forgives nothing", () => {
  const first = run({ files: { [one]: { a: "ok", b: "FAILED" } } });
  const broken = run({ files: { [one]: { a: "ok", b: "ok" } }, errors: [`${one} (uncaught error)`] });
  const { failed, failures, flaky } = settle(first, new Map([[one, broken]]));
  assert.deepEqual([failed, failures, flaky], [2, [`b => ${one}:1:6`, `${one} (uncaught error)`], []]);
  const hung = { ...run({ files: {}, isWhole: false }), failures: ['"b" did not end'] };
  const settled = settle(first, new Map([[one, hung]]));
  assert.deepEqual(settled.failures, [`b => ${one}:1:6`, '"b" did not end']);
});
