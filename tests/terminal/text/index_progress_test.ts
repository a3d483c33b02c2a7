import assert from "node:assert/strict";
import { indexProgress, isIndexBehind } from "../../../src/terminal/text/index_progress.ts";

Deno.test("a search that found nothing is told of any gap of the index, another one only of a large one", () => {
  const pages = [[100, 0], [99, 0], [99, 5], [0, 5]] as const;
  const behind = pages.map(([indexedThrough, found]) => isIndexBehind({ indexedThrough, head: 100 }, found));
  assert.deepEqual(behind, [false, true, false, false]);
  assert.equal(isIndexBehind({ indexedThrough: 899, head: 1_000 }, 5), true);
});

Deno.test("the index tells up to which time of this machine it has messages, from the oldest on", () => {
  const indexedUntilMs = new Date(2026, 2, 1, 14, 5, 59).getTime();
  assert.equal(
    indexProgress({ indexedThrough: 899, head: 1_000, indexedUntilMs }),
    "Only the oldest messages are indexed yet: up to 2026-03-01 14:05, 89 % of all. Try again in a moment.",
  );
  assert.equal(
    indexProgress({ indexedThrough: 0, head: 1_000, indexedUntilMs: 0 }),
    "No messages are indexed yet. Try again in a moment.",
  );
});
