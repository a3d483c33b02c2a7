import assert from "node:assert/strict";
import { TestProgress } from "../.ci/test_progress.ts";

const printed = `running 5 tests from ./tests/core/one_test.ts
\x1b[0mgood ... \x1b[32mok\x1b[0m (1ms)
slow ...\x1b[90m'slow' has been running for over (1m0s)\x1b[0m
\x1b[90m'slow' has been running for over (2m0s)\x1b[0m
 \x1b[32mok\x1b[0m (2m1s)
bad ...
------- output -------
inner ... ok, says the test
----- output end -----
  a step ... FAILED (2ms)
bad ... FAILED (due to 1 failed step) (2ms)
never ... ignored (0ms)
Uncaught error from ./tests/core/one_test.ts FAILED
late ... cancelled (0ms)

\x1b[1m ERRORS \x1b[0m

bad ... a step => ./tests/core/one_test.ts:3:52
error: AssertionError: no ... ok (1ms)

 FAILURES 

bad ... a step => ./tests/core/one_test.ts:3:52
./tests/core/one_test.ts (uncaught error)

FAILED | 1 passed | 4 failed | 1 ignored (0s)
`;

Deno.test("what deno test prints is counted, and what failed is named, in whatever pieces it comes", () => {
  for (const length of [1, 7, 100, printed.length]) {
    const progress = new TestProgress();
    let marks = "";
    for (let at = 0; at < printed.length; at += length) marks += progress.take(printed.slice(at, at + length));
    assert.equal(marks, "..!,!");
    assert.deepEqual([progress.passed, progress.failed, progress.skipped], [2, 2, 1]);
    assert.deepEqual(progress.failures, [
      "bad ... a step => ./tests/core/one_test.ts:3:52",
      "./tests/core/one_test.ts (uncaught error)",
    ]);
    assert.ok(progress.errors.includes("error: AssertionError: no ... ok (1ms)"));
  }
});

Deno.test("the test that runs is known by name, whether it prints or not", () => {
  const progress = new TestProgress();
  assert.equal(progress.running, "no test of no file yet");
  progress.take("running 2 tests from ./tests/core/one_test.ts\nfirst ... ok (1ms)\nsecond ...");
  assert.equal(progress.running, '"second" of ./tests/core/one_test.ts');
  progress.take("\n------- output -------\nhello\n");
  assert.equal(progress.running, '"second" of ./tests/core/one_test.ts');
  progress.take("----- output end -----\n'second' has been running for over (1m0s)\n");
  assert.equal(progress.running, '"second" of ./tests/core/one_test.ts');
  progress.take(" ok (1m1s)\n");
  assert.equal(progress.running, "no test of ./tests/core/one_test.ts");
});
