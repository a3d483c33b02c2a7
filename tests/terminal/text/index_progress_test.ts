import assert from "node:assert/strict";
import { indexProgress, isIndexBehind } from "../../../src/terminal/text/index_progress.ts";

Deno.test("a search that found nothing is told of any gap of the index, another one only of a large one", () => {
  const pages = [[100, 0], [99, 0], [99, 5], [0, 5]] as const;
  const behind = pages.map(([indexedThrough, found]) => isIndexBehind({ indexedThrough, head: 100 }, found));
  assert.deepEqual(behind, [false, true, false, false]);
  assert.equal(isIndexBehind({ indexedThrough: 899, head: 1_000 }, 5), true);
  assert.match(indexProgress({ indexedThrough: 899, head: 1_000 }), / 89 % are/);
});
