import assert from "node:assert/strict";
import { concatenate } from "../../src/core/concatenate.ts";

Deno.test("concatenate() keeps the order of its parts, and takes empty ones", () => {
  const parts = [new Uint8Array([1, 2]), new Uint8Array(), new Uint8Array([9, 3, 9]).subarray(1, 2)];
  assert.deepEqual(concatenate(parts), new Uint8Array([1, 2, 3]));
  assert.deepEqual(concatenate([]), new Uint8Array());
});
