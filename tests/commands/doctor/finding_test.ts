import assert from "node:assert/strict";
import { formatFinding, problem, warning } from "../../../src/commands/doctor/finding.ts";

Deno.test("a finding is one line and its fix another, whatever names they contain", () => {
  assert.equal(formatFinding("disk", problem("4 MiB free")), "PROBLEM  disk: 4 MiB free");
  const hostile = "a\x1b]0;b\x07\nc";
  const lines = formatFinding("database", warning(`the node "${hostile}" is gone`, `End "${hostile}".`)).split("\n");
  assert.equal(lines.length, 2);
  assert.match(lines[0], /^warning {2}database: the node "a/);
  assert.match(lines[1], /^ {9}End "a/);
  for (const line of lines) assert.doesNotMatch(line, /\p{Cc}/u);
});
