import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { ProcessGroups } from "../.ci/process_groups.ts";
import type { TestRun } from "../.ci/second_chance.ts";
import { runTestProcess } from "../.ci/test_process.ts";
import { temporaryFolder } from "./support/checks/temporary_folder.ts";

/** Runs one test file with this content. */
async function run(content: string): Promise<TestRun> {
  using folder = temporaryFolder();
  await using processes = new ProcessGroups();
  Deno.writeTextFileSync(`${folder.path}/a_test.ts`, content);
  const root = pathToFileURL(`${folder.path}/`);
  return await runTestProcess({ root, files: ["a_test.ts"], env: Deno.env.toObject(), processes });
}

function countsOf({ passed, failed, skipped, failures }: TestRun) {
  return { passed, failed, skipped, failures };
}

Deno.test("tests that pass, fail and are skipped are counted", async () => {
  const content = `Deno.test("a", () => {});
Deno.test("b", () => { throw new Error("no"); });
Deno.test.ignore("c", () => {});`;
  const failures = ["b => ./a_test.ts:2:6"];
  assert.deepEqual(countsOf(await run(content)), { passed: 1, failed: 1, skipped: 1, failures });
});

Deno.test("a file that fails at its import has failed", async () => {
  const failures = ["./a_test.ts (uncaught error)"];
  const expected = { passed: 0, failed: 1, skipped: 0, failures };
  assert.deepEqual(countsOf(await run(`throw new Error("no");`)), expected);
  assert.deepEqual(countsOf(await run(`Deno.test("a", () => {}); throw new Error("no");`)), expected);
});

Deno.test("a file that cannot be parsed or found has failed", async () => {
  for (const content of ["Deno.test(", `import "./nowhere.ts";`]) {
    const { passed, failed, failures, output } = await run(content);
    assert.deepEqual([passed, failed, failures.length], [0, 1, 1], `${failures}`);
    assert.match(output.join("\n"), /error/);
  }
});

Deno.test("a process that is killed during a test has failed, and tests that passed before are counted", async () => {
  const content = `Deno.test("a", () => {});
Deno.test("b", () => Deno.kill(Deno.pid, "SIGKILL"));`;
  const { passed, failed, failures } = await run(content);
  assert.deepEqual([passed, failed], [1, 1]);
  assert.match(failures.join(), /^ended with SIGKILL and no report during "b" of \.\/a_test\.ts$/);
});
