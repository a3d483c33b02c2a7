import assert from "node:assert/strict";
import { findGroups, longestFiles, planJobs, runJobs } from "../.ci/test_plan.ts";

const root = new URL("..", import.meta.url);

Deno.test("each test file is in one job, and the longest begin first", () => {
  const groups = findGroups(root);
  const jobs = planJobs(groups);
  const files = jobs.flatMap(({ files }) => files);
  assert.deepEqual(files.toSorted(), [...groups.values()].flat().toSorted());
  assert.ok(files.includes("tests/test_plan_test.ts"));
  assert.ok(jobs[0].files.includes(longestFiles[0]));
  assert.deepEqual(longestFiles.filter((file) => !files.includes(file)), []);
});

Deno.test("jobs begin in order, and so many run at a time", async () => {
  const jobs = ["a", "b", "c", "d", "e"].map((file) => ({ group: "core", files: [file] }));
  const begun: string[] = [];
  let [running, most] = [0, 0];
  await runJobs(jobs, {
    slots: 2,
    async run({ files }) {
      begun.push(files[0]);
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
    },
  });
  assert.deepEqual([begun.join(""), most, running], ["abcde", 2, 0]);
});
