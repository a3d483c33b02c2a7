import assert from "node:assert/strict";
import { describeCoverage, parseLcov } from "../.ci/coverage.ts";

function record(path: string, counts: readonly number[]): string {
  return `SF:/home/ana/chatd/${path}\n${
    counts.map((count, index) => `DA:${index + 1},${count}\n`).join("")
  }end_of_record\n`;
}

const report = [
  record("src/core/chat.ts", [1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0]),
  record("src/core/log.ts", [1, 2, 3]),
  record("src/store/open_store.ts", [0]),
  record("tests/support/servers/person.ts", [0, 0]),
].join("");

Deno.test("coverage is the share of lines that ran, by folder, with files below 90 %", () => {
  assert.deepEqual(describeCoverage(parseLcov(report)), [
    " 78.6 %  src/core",
    "          72.7 %  chat.ts",
    "  0.0 %  src/store",
    "           0.0 %  open_store.ts",
  ]);
});

Deno.test("coverage names the lines that no test runs when they are asked for", () => {
  const lines = describeCoverage(parseLcov(report), { withLines: true });
  assert.deepEqual(lines.slice(1, 3), ["          72.7 %  chat.ts", "                 4-5, 11"]);
});
